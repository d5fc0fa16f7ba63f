"""What is found in the files of an older installation, and what was made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.domain.knowledge import Document, DocumentKind


@dataclass(frozen=True, slots=True)
class LegacyFile:
    """A file that was read: what it is for, its path, its size and its SHA-256."""

    role: Literal["metadata", "index", "config", "tickets", "ticket embeddings"]
    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class LegacyTable:
    """The rows of a file, each a mapping of names to JSON values; `shape` says in words how the file held them."""

    file: LegacyFile
    kind: DocumentKind
    shape: str
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class VectorCheck:
    """What a file of vectors holds. `finite` is None where the values themselves could not be looked at."""

    file: LegacyFile
    format: str
    count: int
    dimension: int
    finite: bool | None


@dataclass(frozen=True, slots=True)
class LegacyConfig:
    """What the old configuration says of the index; None where it is silent."""

    file: LegacyFile
    model: str | None
    dimension: int | None
    count: int | None


@dataclass(frozen=True, slots=True)
class LegacyData:
    """Everything that was read, not yet looked at as a whole."""

    tables: tuple[LegacyTable, ...]
    index: VectorCheck | None = None
    ticket_embeddings: VectorCheck | None = None
    config: LegacyConfig | None = None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not taken; `row` counts from 1."""

    path: str
    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """The documents made of the rows, in their order, and what became of the other rows.

    rows = documents + duplicates + already_there + refused.
    """

    rows: int
    documents: tuple[Document, ...]
    duplicates: int
    already_there: int
    refused: tuple[RefusedRow, ...]
    not_taken: tuple[str, ...]
