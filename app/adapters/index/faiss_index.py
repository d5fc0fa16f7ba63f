"""Nearest neighbours in FAISS: exact for few rows; for many, candidates from codes, compared again with the vectors."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from app.adapters.index import faiss_building as building
from app.adapters.index.faiss_finders import Found, Rows, finder, threads
from app.adapters.index.faiss_plan import DEFAULT_MEMORY_MIB, IndexKind, IndexPlan, IndexReport, choose
from app.adapters.index.faiss_rows import BLOCK, FileRows, MemoryRows, StoredRows
from app.domain.models import Vectors
from app.errors import IndexCorrupt

log = logging.getLogger(__name__)

_faiss: Any = faiss
"""FAISS' type stubs lack what its Python layer adds."""

FEW = 1_000
"""So many allowed rows, or fewer, are all compared."""
_REBUILD = "python -m app index --force"


class FaissIndex:
    """The VectorIndex port; safe to search from several threads at once.

    `rows` are the vectors beside an index that holds only codes of them; `report` is there after a build.
    """

    def __init__(self, index: Any, rows: StoredRows | None = None, report: IndexReport | None = None) -> None:
        self._index = index
        self._rows = rows
        self._finder = finder(index)
        self.report = report

    @classmethod
    def build(cls, vectors: Vectors, plan: IndexPlan | None = None) -> "FaissIndex":
        """Index unit rows, so that the inner product is the cosine; by default as `choose` says.

        The search effort is raised until the recall is enough; where it cannot be reached, the index is an exact one.
        """
        start = time.perf_counter()
        plan = plan or choose(len(vectors), vectors.shape[1], DEFAULT_MEMORY_MIB)
        if not len(vectors):
            plan = IndexPlan(IndexKind.FLAT)
        index = building.build(vectors, plan)
        built = cls(index, None if plan.kind is IndexKind.FLAT else MemoryRows(vectors))
        recall = built._tune(vectors)
        if recall < building.ENOUGH:
            log.warning("recall too low, exact index", extra={"index": plan.kind, "recall": round(recall, 4)})
            return cls.build(vectors, IndexPlan(IndexKind.FLAT))
        seconds = time.perf_counter() - start
        built.report = IndexReport(plan.kind, recall, built._finder.effort, seconds, _size(index))
        return built

    def _tune(self, vectors: Vectors) -> float:
        """Raise the effort as far as the goal asks for; return the recall reached."""
        if self._rows is None:
            return 1.0
        queries = building.sample_queries(vectors)
        truth = building.nearest(vectors, queries)
        search = self._finder
        while True:
            recall = building.recall(vectors, queries, truth, lambda query, k: self.search(query, k)[0])
            if recall >= building.GOAL or search.effort >= search.limit:
                return recall
            search.effort = building.raised(search.effort, search.limit)

    @classmethod
    def read(cls, path: Path) -> "FaissIndex":
        """Open files whose digests were verified before: FAISS itself does not notice most corruption.

        An index of codes is mapped into memory, so that processes share it and it opens at once; its file must stay as
        it is (it may be removed).
        """
        mapped = rows_file(path).exists()
        try:
            index = _faiss.read_index(str(path), _faiss.IO_FLAG_MMAP_IFC if mapped else 0)
        except RuntimeError as error:
            raise IndexCorrupt(f"{path.name} cannot be read by FAISS", _REBUILD) from error
        if isinstance(index, faiss.IndexFlat):
            return cls(index)
        if not mapped:
            raise IndexCorrupt(f"{rows_file(path).name} is missing beside {path.name}", _REBUILD)
        rows = FileRows(rows_file(path))
        if rows.shape != (index.ntotal, index.d):
            raise IndexCorrupt(f"{rows_file(path).name} holds other vectors than {path.name}", _REBUILD)
        return cls(index, rows)

    def write(self, path: Path) -> tuple[str, ...]:
        """Write a built index to a new file, and its vectors beside it where needed; return the names of the files.

        Raises OSError.
        """
        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:
            raise OSError(f"{path.name} cannot be written by FAISS") from error
        if not isinstance(self._rows, MemoryRows):
            return (path.name,)
        self._rows.write(rows_file(path))
        return path.name, rows_file(path).name

    @property
    def count(self) -> int:
        """The number of vectors."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self._index.d)

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: Rows | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return at most k rows and their inner products, best first; equal ones by row."""
        k = min(k, self.count if allowed is None else len(allowed))
        if k < 1:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if self._rows is None:
            return _ordered(*self._found(vector, k, allowed), k)
        rows = allowed if allowed is not None and len(allowed) <= FEW else self._candidates(vector, k, allowed)
        return _ordered(rows, self.similarities(vector, rows), k)

    def _candidates(self, vector: NDArray[np.float32], k: int, allowed: Rows | None) -> Rows:
        # Codes put rows of nearly equal similarity in another order: what is just below the last may belong above it.
        deeper = 8 * k + 100 if isinstance(self._index, faiss.IndexIVFPQ) else k + 32
        return self._found(vector, min(deeper, self.count), allowed)[0]

    def _found(self, vector: NDArray[np.float32], k: int, allowed: Rows | None) -> Found:
        with threads(1):
            return self._finder.find(np.ascontiguousarray(vector[None, :], dtype=np.float32), k, allowed)

    def similarities(self, vector: NDArray[np.float32], rows: Sequence[int] | Rows) -> NDArray[np.float32]:
        """Return the inner products of chosen rows, in their order."""
        if not len(rows):
            return np.empty(0, np.float32)
        blocks = (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))
        return np.concatenate([np.asarray(self.stored(block) @ vector, dtype=np.float32) for block in blocks])

    def stored(self, rows: Sequence[int] | Rows) -> Vectors:
        """Return the vectors of chosen rows, in their order; rounded to 16 bits where the index holds codes."""
        chosen = np.asarray(rows, dtype=np.int64)
        if self._rows is not None:
            return self._rows.take(chosen)
        return np.asarray(self._index.reconstruct_batch(chosen), dtype=np.float32)


def rows_file(path: Path) -> Path:
    """Return where the vectors lie of an index that holds codes."""
    return path.with_suffix(".rows.npy")


def _ordered(rows: Rows, scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    real = np.isfinite(scores)
    rows, scores = rows[real], scores[real]
    order = np.lexsort((rows, -scores))[:k]
    return np.asarray(rows[order], np.int64), scores[order]


def _size(index: Any) -> int:
    """Return the bytes an index is written as, which is what it holds in memory."""
    written = 0

    def count(data: bytes) -> int:
        nonlocal written
        written += len(data)
        return len(data)

    faiss.write_index(index, _faiss.PyCallbackIOWriter(count, 1 << 20))
    return written
