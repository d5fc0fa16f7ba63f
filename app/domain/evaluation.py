"""Questions with known answers."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Half(StrEnum):
    """Figures are reported on `check`; whatever is chosen or fitted is chosen on `tune`."""

    TUNE = "tune"
    CHECK = "check"


def half_of(name: str) -> Half:
    """Return the half that something belongs to, by a hash of its id."""
    odd = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2
    return Half.CHECK if odd else Half.TUNE


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question, the documents that answer it, and the facts a right answer holds.

    Each key fact is a tuple of spellings, one of which must occur. `history` holds (role, content) pairs.
    """

    id: str
    question: str
    language: str
    kind: str
    documents: tuple[str, ...]
    key_facts: tuple[tuple[str, ...], ...]
    answerable: bool
    history: tuple[tuple[str, str], ...] = ()

    @property
    def half(self) -> Half:
        """The half a question belongs to; adding questions moves none."""
        return half_of(self.id)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Queries and the documents relevant to each, in the form of the usual retrieval benchmarks."""

    queries: Mapping[str, str]
    relevant: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class RankingFigures:
    """Means over queries; `seconds` is the time all queries took."""

    queries: int
    documents: int
    figures: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
