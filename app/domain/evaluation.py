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
    def ambiguous(self) -> bool:
        """Whether several documents would do, and to ask back would do as well."""
        return self.kind == "ambiguous"

    @property
    def half(self) -> Half:
        """The half a question belongs to; adding questions moves none."""
        return half_of(self.id)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Queries and the documents relevant to each, in the form of the usual retrieval benchmarks."""

    queries: Mapping[str, str]
    relevant: Mapping[str, frozenset[str]]


MEASURES = ("ndcg@10", "mrr@10", "recall@10", "hit@1")
"""What is measured of every ranking, each between 0 and 1; more is better."""


@dataclass(frozen=True, slots=True)
class RankedQuery:
    """What was found for one query.

    `ranked` holds document ids and their scores, best first, ten at most; `figures` has a value per name in `MEASURES`;
    `group` is what figures are told apart by, empty where there is one group only.
    """

    id: str
    text: str
    relevant: tuple[str, ...]
    ranked: tuple[tuple[str, float], ...]
    figures: Mapping[str, float]
    milliseconds: float
    group: str = ""

    @property
    def found(self) -> tuple[str, ...]:
        """The ids found, best first."""
        return tuple(name for name, _ in self.ranked)


@dataclass(frozen=True, slots=True)
class RankingFigures:
    """Means over queries; `seconds` is the time all queries took; `rows` are the queries themselves."""

    queries: int
    documents: int
    figures: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    rows: tuple[RankedQuery, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the bounds of its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Change:
    """One query's figure in both of two configurations."""

    id: str
    text: str
    before: float
    after: float

    @property
    def difference(self) -> float:
        """How much better the second is."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two configurations, paired over the queries that both have.

    `difference` is second less first. `p_value` is two-sided. `changes` holds every shared query, the greatest change
    first; `only_first` and `only_second` name the queries that the other lacks.
    """

    metric: str
    first: float
    second: float
    difference: Interval
    p_value: float
    changes: tuple[Change, ...]
    only_first: tuple[str, ...] = ()
    only_second: tuple[str, ...] = ()

    @property
    def wins(self) -> int:
        """How many queries the second is better at."""
        return sum(change.difference > 0 for change in self.changes)

    @property
    def losses(self) -> int:
        """How many queries the second is worse at."""
        return sum(change.difference < 0 for change in self.changes)

    @property
    def ties(self) -> int:
        """How many queries both are as good at."""
        return len(self.changes) - self.wins - self.losses
