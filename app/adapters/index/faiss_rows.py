"""The vectors themselves, beside an index of codes: for exact similarities, and for the next release.

They lie in an ordinary .npy file of 16-bit floats (a similarity is off by less than 1e-4) and are read row by row
where they lie. Not mapped into memory: the kernel maps sixteen pages around each one touched, so that after some
thousand questions the whole file would count as ours.
"""

import os
import weakref
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.models import Vectors
from app.errors import IndexCorrupt

BLOCK = 32_768
_STORED = np.dtype("<f2")


class StoredRows(Protocol):
    """Vectors by row number."""

    def take(self, rows: NDArray[np.int64]) -> Vectors:
        """Return the vectors of these rows, in their order; raises IndexError where there is no such row."""
        ...


class MemoryRows:
    """Rows of a matrix at hand, rounded as the file would round them."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def take(self, rows: NDArray[np.int64]) -> Vectors:
        """Return the vectors of these rows, in their order."""
        return np.asarray(self._vectors[rows], dtype=_STORED).astype(np.float32)

    def write(self, path: Path) -> None:
        """Write a new file; raises OSError."""
        header = {"descr": _STORED.str, "fortran_order": False, "shape": self._vectors.shape}
        with path.open("xb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, len(self._vectors), BLOCK):
                file.write(np.ascontiguousarray(self._vectors[start : start + BLOCK], dtype=_STORED).tobytes())


class FileRows:
    """Rows of a file that stays as it is; may be read from several threads at once."""

    def __init__(self, path: Path) -> None:
        self._count, self._dimension, self._start = _header(path)
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and their length."""
        return self._count, self._dimension

    def take(self, rows: NDArray[np.int64]) -> Vectors:
        """Return the vectors of these rows, in their order; neighbours are read in one go."""
        if not len(rows):
            return np.empty((0, self._dimension), np.float32)
        wanted, places = np.unique(rows, return_inverse=True)
        if wanted[0] < 0 or wanted[-1] >= self._count:
            raise IndexError(f"rows from {wanted[0]} to {wanted[-1]}, of {self._count}")
        runs = np.split(wanted, np.flatnonzero(np.diff(wanted) > 1) + 1)
        raw = b"".join(self._read(int(run[0]), len(run)) for run in runs)
        stored = np.frombuffer(raw, dtype=_STORED).reshape(len(wanted), self._dimension)
        return stored.astype(np.float32)[places]

    def _read(self, first: int, count: int) -> bytes:
        width = self._dimension * _STORED.itemsize
        return os.pread(self._file, count * width, self._start + first * width)


def _header(path: Path) -> tuple[int, int, int]:
    """Return rows, dimension and where they begin; raises OSError, IndexCorrupt."""
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file) if version == (1, 0) else ((), True, None)
        except ValueError as error:
            raise IndexCorrupt(f"{path.name} is no file of vectors", "python -m app index --force") from error
        start = file.tell()
    whole = len(shape) == 2 and not fortran and dtype == _STORED  # noqa: PLR2004
    if not whole or path.stat().st_size != start + shape[0] * shape[1] * _STORED.itemsize:
        raise IndexCorrupt(f"{path.name} does not hold the vectors it names", "python -m app index --force")
    return shape[0], shape[1], start
