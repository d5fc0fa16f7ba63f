"""What was measured on the tune half, as a file: score calibration, grounding thresholds, answer modes."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.errors import SettingsInvalid

_Mode = Annotated[str, StringConstraints(pattern="^(extract|generate)$")]


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class Measured:
    """Everything measured; `modes` says per model and shape of document which answer mode was better.

    The fusion weights are there where learning them beat the default.
    """

    model_digest: str
    bias: float = 0.0
    weights: tuple[float, ...] = ()
    threshold: float = 1.0
    min_cosine: float = 0.75
    min_words: float = 0.7
    modes: Mapping[str, Mapping[str, _Mode]] = field(default_factory=dict)
    lexical_weight: float | None = None
    length_weight: float | None = None


_ADAPTER = TypeAdapter(Measured)


def read_measured(path: Path) -> Measured | None:
    """Read the file, or return None where there is none; raises SettingsInvalid when it cannot be used."""
    if not path.is_file():
        return None
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except ValidationError as error:
        remedy = "restore the file, or remove it and run: python -m app eval calibrate"
        raise SettingsInvalid("DATA_DIR", f"{path.name} cannot be read", remedy) from error


def write_measured(path: Path, measured: Measured) -> None:
    """Write the file; who reads it meanwhile sees the old one."""
    aside = path.with_name(f"{path.name}.tmp")
    aside.write_bytes(_ADAPTER.dump_json(measured, indent=2) + b"\n")
    aside.replace(path)
