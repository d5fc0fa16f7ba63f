"""What is made of a file: documents that still need an id."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.knowledge import Metadata, Section


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which columns (CSV) or fields (JSON) of a row hold what; `metadata` maps a metadata name to a column.

    An empty mapping means the usual names are looked for.
    """

    title: str = ""
    text: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Extracted:
    """One document read out of a file; a table yields one per row.

    `key` tells the documents of one file apart, and is stable while the file changes: an article's own id, a row's id
    column, else its position. `language` is empty where the file does not say.
    """

    key: str
    title: str
    sections: tuple[Section, ...]
    language: str = ""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metadata: Metadata = field(default_factory=dict)
