"""What a search asks for and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.knowledge import Document, Passage


@dataclass(frozen=True, slots=True)
class Filters:
    """Metadata a document must have: for every name, at least one of the values."""

    must: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether anything is asked for."""
        return bool(self.must)


class HitWarning(StrEnum):
    """What a reader must know before using a hit: it is for other versions, platforms or sites only."""

    VERSION_MISMATCH = "version_mismatch"
    OTHER_PLATFORM = "other_platform"
    OTHER_SITE = "other_site"


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found, with its best passage.

    `score` is calibrated: the estimated probability (0..1) that this document answers the question.
    `cosine` (-1..1) and `lexical` (0..1, BM25 relative to the best of the query) are its ingredients.
    `duplicates` are the ids of documents that say the same and are left out for it.
    """

    document: Document
    passage: Passage
    score: float
    cosine: float
    lexical: float
    warnings: tuple[HitWarning, ...] = ()
    duplicates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The result of one retrieval: hits, best first, and whether they are enough to answer from.

    `answerability` (0..1) estimates that the knowledge base answers the question at all; `sufficient` says whether
    it reaches the threshold in force. `follow_up` tells that the question was read together with earlier ones.
    """

    query: str
    hits: tuple[Hit, ...]
    answerability: float
    sufficient: bool
    release: str
    follow_up: bool = False
