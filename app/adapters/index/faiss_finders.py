"""How each kind of FAISS index finds candidates, and how a filter changes that.

A filter must not cost recall: an index that looks at its usual share of the rows and then drops what is not allowed
finds little where little is allowed. So the work goes by the *allowed* rows instead: some times as many of them are
compared as rows are without a filter, wherever they lie.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import faiss
import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.int64]
Found: TypeAlias = tuple[Rows, NDArray[np.float32]]

_faiss: Any = faiss
"""FAISS' type stubs lack what its Python layer adds."""

SCANNED = 50_000
"""So many codes are compared in some two milliseconds: walking a graph under a filter is not faster."""

_DEPTH = 16
"""Rows compared for each one asked for, at least: the hundredth nearest lie in more lists than the first ten."""

_FARTHER = 3
"""What is nearest among the allowed may be far, and what is far lies in many lists: so many times more are compared."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let FAISS use so many threads for what this thread asks of it.

    One question gains nothing from a second thread, and on a busy machine waits for it: 25 ms instead of 1.
    """
    before = _faiss.omp_get_max_threads()
    _faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        _faiss.omp_set_num_threads(before)


class Finder(Protocol):
    """Finds rows in an index. `effort` is its search parameter, `limit` the largest that makes a difference."""

    limit: int

    @property
    def effort(self) -> int:
        """The candidates a graph keeps, or the lists that are read."""
        ...

    @effort.setter
    def effort(self, value: int) -> None: ...

    def find(self, vector: NDArray[np.float32], k: int, allowed: Rows | None) -> Found:
        """Return at most k rows and their similarities, best first. `vector` has shape (1, dimension)."""
        ...


class Exhaustive:
    """Compares all rows, or all that are allowed; there is nothing to tune."""

    limit = 0
    effort = 0

    def __init__(self, index: Any) -> None:
        self._index = index

    def find(self, vector: NDArray[np.float32], k: int, allowed: Rows | None) -> Found:
        """Return the k nearest."""
        selector = _selector(allowed, self._index.ntotal)
        return _unpadded(self._index.search(vector, k, params=_faiss.SearchParameters(sel=selector)))


class Graph:
    """HNSW. Its codes are scanned instead where few rows are allowed, many are asked for, or the walk found too few."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._codes = Exhaustive(faiss.downcast_index(index.storage))
        self.limit = max(1, min(int(index.ntotal), 4_096))

    @property
    def effort(self) -> int:
        """The candidates kept in a walk; saved with the index."""
        return int(self._index.hnsw.efSearch)

    @effort.setter
    def effort(self, value: int) -> None:
        self._index.hnsw.efSearch = value

    def find(self, vector: NDArray[np.float32], k: int, allowed: Rows | None) -> Found:
        """Return about the k nearest."""
        total = int(self._index.ntotal)
        among = total if allowed is None else len(allowed)
        if 4 * k < among and (allowed is None or among > SCANNED):
            found = self._walk(vector, k, max(self.effort, 2 * k) * total // among, allowed)
            if len(found[0]) == k:
                return found
        return self._codes.find(vector, k, allowed)

    def _walk(self, vector: NDArray[np.float32], k: int, effort: int, allowed: Rows | None) -> Found:
        selector = _selector(allowed, self._index.ntotal)
        parameters = _faiss.SearchParametersHNSW(efSearch=effort, sel=selector)
        return _unpadded(self._index.search(vector, k, params=parameters))


class Lists:
    """Inverted lists. Under a filter, lists are read in order of nearness until enough allowed rows were compared."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self.limit = int(index.nlist)
        self._list_of = _list_of_each_row(index)
        self._sizes = np.bincount(self._list_of, minlength=self.limit)
        # The list a row lies in is larger than the mean over the lists, as sizes are uneven.
        self._usual = float((self._sizes**2).sum() / max(1, self._sizes.sum()))

    @property
    def effort(self) -> int:
        """The lists read; saved with the index."""
        return int(self._index.nprobe)

    @effort.setter
    def effort(self, value: int) -> None:
        self._index.nprobe = value

    def find(self, vector: NDArray[np.float32], k: int, allowed: Rows | None) -> Found:
        """Return about the k nearest."""
        enough = self.effort * self._usual
        if allowed is None and _DEPTH * k <= enough:
            return _unpadded(self._index.search(vector, k))
        if allowed is not None:
            enough *= _FARTHER
        selector = _selector(allowed, self._index.ntotal)
        lists = self._lists_for(vector, max(enough, _DEPTH * k), allowed)
        parameters = _faiss.SearchParametersIVF(nprobe=lists, sel=selector)
        return _unpadded(self._index.search(vector, k, params=parameters))

    def _lists_for(self, vector: NDArray[np.float32], rows: float, allowed: Rows | None) -> int:
        """Return how many of the nearest lists hold so many rows that may be found."""
        held = self._sizes if allowed is None else np.bincount(self._list_of[allowed], minlength=self.limit)
        nearest = self._index.quantizer.search(vector, self.limit)[1][0]
        reached = int(np.searchsorted(np.cumsum(held[nearest]), rows)) + 1
        return min(self.limit, max(self.effort, reached))


def finder(index: Any) -> Finder:
    """Return what searches an index, by its type."""
    if isinstance(index, faiss.IndexHNSW):
        return Graph(index)
    return Lists(index) if isinstance(index, faiss.IndexIVF) else Exhaustive(index)


def _list_of_each_row(index: Any) -> NDArray[np.int32]:
    placed = np.zeros(index.ntotal, np.int32)
    for number in range(index.nlist):
        size = index.invlists.list_size(number)
        if size:
            held = index.invlists.get_ids(number)
            placed[faiss.rev_swig_ptr(held, size)] = number
            index.invlists.release_ids(number, held)
    return placed


def _selector(allowed: Rows | None, total: int) -> Any:
    """Return a bitmap of the rows that may be found; FAISS' parameter objects keep it alive."""
    if allowed is None:
        return None
    marks = np.zeros(-(-total // 8) * 8, np.bool_)
    marks[allowed] = True
    return _faiss.IDSelectorBitmap(np.packbits(marks, bitorder="little"))


def _unpadded(found: tuple[NDArray[np.float32], NDArray[np.int64]]) -> Found:
    """FAISS pads with row -1 when it finds fewer than k; Python would read that as the last row."""
    scores, rows = found[0][0], found[1][0]
    real = rows >= 0
    return rows[real], scores[real]
