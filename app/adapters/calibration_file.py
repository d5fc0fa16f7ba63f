"""What was measured on the tune half, as a file: score calibration, grounding thresholds, answer modes."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.errors import SettingsInvalid


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Measured:
    """Everything measured; `modes` says per model and shape of document which answer mode was better."""

    model_digest: str
    bias: float = 0.0
    weights: tuple[float, ...] = ()
    threshold: float = 1.0
    min_cosine: float = 0.75
    min_words: float = 0.7
    modes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


_ADAPTER = TypeAdapter(Measured)


def read_measured(path: Path) -> Measured | None:
    """Read the file, or return None where there is none; raises SettingsInvalid when it cannot be used."""
    if not path.is_file():
        return None
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except ValidationError as error:
        raise SettingsInvalid("DATA_DIR", f"{path.name} cannot be read", "python -m app eval calibrate") from error


def write_measured(path: Path, measured: Measured) -> None:
    """Write the file."""
    path.write_bytes(_ADAPTER.dump_json(measured, indent=2) + b"\n")
