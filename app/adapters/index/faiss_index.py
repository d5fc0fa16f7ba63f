"""Exact nearest neighbours in FAISS."""

from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from app.domain.models import Vectors
from app.errors import IndexCorrupt


class FaissIndex:
    """The VectorIndex port over a flat inner-product index; safe to search from several threads at once."""

    def __init__(self, index: "faiss.Index") -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: Vectors) -> "FaissIndex":
        """Index unit rows, so that the inner product is the cosine."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    @classmethod
    def read(cls, path: Path) -> "FaissIndex":
        """Open a file whose digest was verified before: FAISS itself does not notice most corruption."""
        try:
            return cls(faiss.read_index(str(path)))
        except RuntimeError as error:
            raise IndexCorrupt(f"{path.name} cannot be read by FAISS", "python -m app index --force") from error

    def write(self, path: Path) -> None:
        """Write the index to a new file; raises OSError."""
        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:
            raise OSError(f"{path.name} cannot be written by FAISS") from error

    @property
    def count(self) -> int:
        """The number of vectors."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self._index.d)

    def search(self, vector: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return at most k rows and their inner products, best first."""
        k = min(k, self.count)
        if k < 1:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        scores, rows = self._index.search(np.ascontiguousarray(vector[None, :], dtype=np.float32), k)
        # FAISS pads with row -1 when it finds fewer than k; Python would read that as the last row.
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def similarities(self, vector: NDArray[np.float32], rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the inner products of chosen rows, in their order."""
        if not len(rows):
            return np.empty(0, np.float32)
        stored = self._index.reconstruct_batch(np.asarray(rows, dtype=np.int64))
        return np.asarray(stored @ vector, dtype=np.float32)
