"""Knowledge: documents as their authors wrote them, and the passages that are searched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Metadata = Mapping[str, Any]
"""JSON-like facts of a document: strings, and tuples of strings."""


class DocumentKind(StrEnum):
    """Where a document comes from, which is also how far it is trusted.

    Files and examples belong to one conversation and are never part of an index.
    """

    ARTICLE = "article"
    TICKET = "ticket"
    PAGE = "page"
    FILE = "file"
    EXAMPLE = "example"


class SectionKind(StrEnum):
    """What a section of a document is for."""

    SYMPTOM = "symptom"
    CAUSE = "cause"
    STEPS = "steps"
    FALLBACK = "fallback"
    BODY = "body"


class PassageKind(StrEnum):
    """What a passage was cut from: a section, or only the names people give the problem."""

    SYMPTOM = "symptom"
    CAUSE = "cause"
    STEPS = "steps"
    FALLBACK = "fallback"
    BODY = "body"
    ALIAS = "alias"


class Risk(StrEnum):
    """What may go wrong with a step, as its label says."""

    NONE = "none"
    ADMIN = "admin"
    DESTRUCTIVE = "destructive"


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered action; `text` is a whole sentence without its number and its label."""

    number: int
    text: str
    risk: Risk = Risk.NONE


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, as Markdown; `steps` is filled where the section is a list of actions."""

    heading: str
    kind: SectionKind
    text: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """The file and line (from 1) a document was read from; told to operators, never kept in an index."""

    path: str = ""
    line: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """An article, a solved ticket or any other page, read and checked.

    `aliases` maps a language code to the names people give the problem in that language.
    """

    id: str
    kind: DocumentKind
    title: str
    sections: tuple[Section, ...]
    language: str = "en"
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metadata: Metadata = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin, compare=False)

    def section(self, kind: SectionKind) -> Section | None:
        """Return the first section of this kind, or None."""
        return next((section for section in self.sections if section.kind is kind), None)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that is embedded and searched by itself.

    `text` is what is shown and cited; the title is carried apart and put in front when the passage is embedded.
    `id` is `<document id>#<position>`.
    """

    id: str
    document_id: str
    position: int
    kind: PassageKind
    heading: str
    text: str
    language: str = "en"

    def searchable(self, title: str) -> str:
        """Return what is embedded and searched for words: the title in front, unless this is itself a name."""
        return self.text if self.kind is PassageKind.ALIAS else f"{title}\n{self.text}".strip()
