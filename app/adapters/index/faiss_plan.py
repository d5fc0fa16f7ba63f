"""Which FAISS index serves how many vectors.

Measured by `python -m benchmarks.index` (384 dimensions, one thread; docs/benchmarks.md has the table): up to some ten
thousand rows the exact search is fast enough and nothing is lost. Above it inverted lists (IVF, Sivic and Zisserman
2003) find more than 95 % in a millisecond or two at any size measured. On the clustered data measured there, a graph
(HNSW, Malkov and Yashunin 2018) took three times as long to build and two thirds more memory without being faster, so
it is built only where a plan asks for it. Codes of 8 bits per dimension (SQ8) lose next to nothing; product
quantisation (PQ, Jégou et al. 2011) is for where even these do not fit.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

FLAT_ROWS = 50_000
FEWEST_ROWS = 2_000
"""Below this nothing is gained by any structure."""
DEFAULT_MEMORY_MIB = 2_048
LINKS = 32
CODEBOOK = 256
ROWS_PER_LIST = 39
"""What FAISS wants as training rows for each centroid."""


class IndexKind(StrEnum):
    """An index type, by the name it has in a manifest."""

    FLAT = "IndexFlatIP"
    GRAPH = "HNSW,SQ8"
    LISTS = "IVF,SQ8"
    LISTS_PQ = "IVF,PQ"


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """What to build: `lists` inverted lists, `codes` bytes per vector in a product quantiser; 0 where there is none.

    `effort` is what a search begins with: the candidates a graph keeps, or the lists that are read.
    """

    kind: IndexKind
    lists: int = 0
    codes: int = 0
    effort: int = 0


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a build came to: the share of the exact ten nearest it finds, the effort that takes, seconds, bytes."""

    kind: IndexKind
    recall: float
    effort: int
    build_seconds: float
    size_bytes: int


def choose(rows: int, dimension: int, memory_mib: float) -> IndexPlan:
    """Return the plan for an index that keeps within `memory_mib` if any does; else the smallest there is."""
    if rows <= FEWEST_ROWS:
        return plan(IndexKind.FLAT, rows, dimension)
    kinds = [IndexKind.LISTS, IndexKind.LISTS_PQ]
    if rows <= FLAT_ROWS:
        kinds.insert(0, IndexKind.FLAT)
    plans = [plan(kind, rows, dimension) for kind in kinds]
    room = memory_mib * 2**20
    return next((one for one in plans if size(one, rows, dimension) <= room), plans[-1])


def plan(kind: IndexKind, rows: int, dimension: int) -> IndexPlan:
    """Return the parameters of a kind of index for so many rows."""
    if kind is IndexKind.FLAT:
        return IndexPlan(kind)
    if kind is IndexKind.GRAPH:
        return IndexPlan(kind, effort=64)
    # FAISS' guidelines ask for 4 to 16 times the root of the rows.
    fitting = 2 ** round(math.log2(4 * math.sqrt(max(rows, 1))))
    lists = max(1, min(fitting, rows // ROWS_PER_LIST))
    codes = _codes(dimension) if kind is IndexKind.LISTS_PQ else 0
    return IndexPlan(kind, lists, codes, effort=min(16, lists))


def size(plan: IndexPlan, rows: int, dimension: int) -> int:
    """Return the bytes an index takes in memory: vectors or codes, row numbers, links, centroids."""
    if plan.kind is IndexKind.FLAT:
        return rows * dimension * 4
    if plan.kind is IndexKind.GRAPH:
        return rows * (dimension + 2 * LINKS * 4 + 16)
    per_row = (plan.codes or dimension) + 8
    centroids = plan.lists + (CODEBOOK if plan.codes else 0)
    return rows * per_row + centroids * dimension * 4


def _codes(dimension: int) -> int:
    """Return the largest divisor of the dimension that leaves four dimensions or more to each code."""
    return next(codes for codes in range(max(1, dimension // 4), 0, -1) if dimension % codes == 0)
