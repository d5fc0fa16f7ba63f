"""Settings: flat names in the environment (or `.env`), small frozen groups in code. Read once, at start.

A name that is set but empty counts as unset. A name in `.env` that no group knows is refused, so that a typing error
does not pass for a default.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from dotenv import dotenv_values
from pydantic import ValidationError

from app.config.checks import check_together
from app.config.groups import (
    EmbeddingSettings,
    FileSettings,
    GenerationSettings,
    KnowledgeSettings,
    LogSettings,
    RetrievalSettings,
    ServiceSettings,
    StoreSettings,
)
from app.errors import SettingsInvalid

__all__ = [
    "EmbeddingSettings",
    "FileSettings",
    "GenerationSettings",
    "KnowledgeSettings",
    "LogSettings",
    "RetrievalSettings",
    "ServiceSettings",
    "Settings",
    "StoreSettings",
    "closest",
    "names",
    "refuse_unknown",
]


@dataclass(frozen=True, slots=True)
class Settings:
    """All groups."""

    service: ServiceSettings
    logs: LogSettings
    knowledge: KnowledgeSettings
    embedding: EmbeddingSettings
    retrieval: RetrievalSettings
    generation: GenerationSettings
    stores: StoreSettings
    files: FileSettings

    @classmethod
    def load(cls, env_file: Path | None = Path(".env")) -> Self:
        """Read the environment and, where it exists, `env_file`; the environment wins.

        Raises SettingsInvalid, naming the variable.
        """
        if env_file is not None and env_file.is_file():
            refuse_unknown(_values_of(env_file), env_file)
        groups = {item.name: _read(item.type, env_file) for item in fields(cls)}
        settings = cls(**groups)
        check_together(settings.service, settings.generation)
        return settings


def names() -> dict[str, Any]:
    """Return every setting's name in the environment, with its default."""
    found: dict[str, Any] = {}
    for item in fields(Settings):
        group: Any = item.type
        found |= {name.upper(): field.default for name, field in group.model_fields.items()}
    return found


def closest(name: str) -> str | None:
    """Return the setting that a mistyped name probably means, or None."""
    near = difflib.get_close_matches(name.upper(), list(names()), n=1, cutoff=0.8)
    return near[0] if near else None


def refuse_unknown(values: Mapping[str, str | None], env_file: Path) -> None:
    """Raise SettingsInvalid for the first name in an env file that is no setting."""
    known = names()
    for name in values:
        if name.upper() not in known:
            near = closest(name)
            hint = f"did you mean {near}?" if near else "see .env.example for the names there are"
            raise SettingsInvalid(name, f"is not a setting ({env_file.name})", hint)


def _values_of(env_file: Path) -> Mapping[str, str | None]:
    try:
        return dotenv_values(env_file)
    except UnicodeDecodeError as error:
        raise SettingsInvalid(env_file.name, "is not UTF-8", "save the file as UTF-8") from error


def _read(group: Any, env_file: Path | None) -> Any:
    try:
        return group(_env_file=env_file)
    except ValidationError as error:
        first = error.errors()[0]
        variable = str(first["loc"][0]).upper() if first["loc"] else group.__name__
        raise SettingsInvalid(variable, first["msg"], "see .env.example") from error
