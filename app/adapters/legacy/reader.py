"""Reads the files of an older installation: their rows, and what their vectors and their configuration claim."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.adapters.legacy.apart import read_apart
from app.domain.knowledge import DocumentKind
from app.domain.legacy import LegacyConfig, LegacyData, LegacyFile, LegacyTable, VectorCheck
from app.errors import DocumentRefused

_Role = Literal["metadata", "index", "config", "tickets", "ticket embeddings"]

_MODEL = ("embedding_model", "model_name", "model", "embedding_model_name", "model_id")
_DIMENSION = ("dimension", "embedding_dimension", "embedding_dim", "dim", "vector_size", "vector_dimension")
_COUNT = ("ntotal", "num_vectors", "total_vectors", "n_vectors", "index_size")
"""Only names that can mean nothing but vectors: a number of documents may be another one."""


@dataclass(frozen=True, slots=True)
class LegacyPaths:
    """Where the files are; None for one that is not there."""

    metadata: Path | None = None
    index: Path | None = None
    config: Path | None = None
    tickets: Path | None = None
    ticket_embeddings: Path | None = None


def read_legacy(paths: LegacyPaths) -> LegacyData:
    """Read all files, each in a process of its own. Raises DocumentRefused for the first that cannot be used."""
    metadata = paths.metadata and _table(paths.metadata, "metadata", DocumentKind.PAGE)
    tickets = paths.tickets and _table(paths.tickets, "tickets", DocumentKind.TICKET)
    return LegacyData(
        tuple(table for table in (metadata, tickets) if table),
        index=_vectors(paths.index, "index", "faiss") if paths.index else None,
        ticket_embeddings=(
            _vectors(paths.ticket_embeddings, "ticket embeddings", "npy") if paths.ticket_embeddings else None
        ),
        config=_config(paths.config) if paths.config else None,
    )


def _read(path: Path, role: _Role, kind: str) -> tuple[LegacyFile, list[dict[str, Any]]]:
    size, digest, said = read_apart(path, kind)
    return LegacyFile(role, str(path), size, digest), said


def _table(path: Path, role: _Role, kind: DocumentKind) -> LegacyTable:
    file, said = _read(path, role, "json" if path.suffix.lower() == ".json" else "pickle")
    head, rows = (said[0] if said else {}), [line.get("row") for line in said[1:]]
    if head.get("rows") != len(rows):
        raise DocumentRefused("broken", f"{path}: its reader did not come to the end")
    return LegacyTable(file, kind, str(head.get("shape")), tuple(_mapping(row) for row in rows))


def _mapping(row: Any) -> Mapping[str, Any]:
    """Return a row; one that is none is empty, and refused by its number later on."""
    return row if isinstance(row, dict) else {}


def _vectors(path: Path, role: _Role, kind: str) -> VectorCheck:
    file, said = _read(path, role, kind)
    match said:
        case [{"vectors": {"format": str(name), "count": int(count), "dimension": int(dimension), "finite": finite}}]:
            return VectorCheck(file, name, count, dimension, finite if isinstance(finite, bool) else None)
    raise DocumentRefused("broken", f"{path}: its reader did not come to the end")


def _config(path: Path) -> LegacyConfig:
    file, said = _read(path, "config", "object")
    match said:
        case [{"object": {**fields}}]:
            found = {str(name).lower(): value for name, value in fields.items()}
            return LegacyConfig(file, _text(found), _number(path, found, _DIMENSION), _number(path, found, _COUNT))
    raise DocumentRefused("unknown_shape", f"{path}: is not an object")


def _text(fields: Mapping[str, Any]) -> str | None:
    return next((fields[name][:200] for name in _MODEL if isinstance(fields.get(name), str)), None)


def _number(path: Path, fields: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """Return the first of these fields; raises DocumentRefused for one that is no whole number."""
    given = {name: fields[name] for name in names if fields.get(name) is not None}
    for name, value in given.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise DocumentRefused("unknown_shape", f"{path}: {name} is not a whole number")
    return next(iter(given.values()), None)
