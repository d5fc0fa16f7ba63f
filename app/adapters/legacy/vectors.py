"""Looks at files of vectors: their heads against their sizes first, then every value.

Formats: NumPy's `.npy`, versions 1 to 3 (numpy.lib.format), whose objects are pickles and are refused; and FAISS index
files (faiss/impl/index_write.cpp): a name of four letters, dimension, count, two fillers, trained, metric, and for flat
indexes the vectors as they are.
"""

import os
import struct
import tokenize
from dataclasses import dataclass
from typing import IO, Final

import numpy as np
from numpy.lib import format as npy

from app.errors import DocumentRefused

MAX_DIMENSION: Final = 65_536
_FLAT: Final = {b"IxFI": "flat index, inner product", b"IxF2": "flat index, L2", b"IxFl": "flat index"}
_HEAD: Final = struct.Struct("<4siqqq?i")
_PIECE: Final = 4 * 2**20
_BITS: Final = 8
_STDIN: Final = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file of vectors holds; `finite` is None where the values themselves were not looked at."""

    format: str
    count: int
    dimension: int
    finite: bool | None


def look_at_npy(file: IO[bytes], size: int) -> Seen:
    """Check a `.npy` file of `size` bytes. Raises DocumentRefused."""
    try:
        version = npy.read_magic(file)
        read = {(1, 0): npy.read_array_header_1_0}.get(version, npy.read_array_header_2_0)
        shape, _, dtype = read(file)
    except (ValueError, EOFError, TypeError, SyntaxError, tokenize.TokenError, RecursionError, MemoryError) as error:
        raise DocumentRefused("broken", "has no head of a .npy file") from error
    if dtype.hasobject:
        raise DocumentRefused("unsafe_pickle", "holds pickled objects, not numbers; save it again as float32")
    if dtype.kind != "f" or dtype.itemsize > 8:  # noqa: PLR2004 - bytes of a double
        raise DocumentRefused("unknown_shape", f"holds {dtype}, expected floating point numbers")
    if len(shape) != 2:  # noqa: PLR2004 - rows and columns
        raise DocumentRefused("unknown_shape", f"has {len(shape)} dimensions, expected rows of vectors")
    count, dimension = int(shape[0]), int(shape[1])
    _check_size(count, dimension, size - file.tell(), dtype.itemsize)
    return Seen(f"npy {dtype}", count, dimension, _all_finite(file, dtype))


def look_at_faiss(file: IO[bytes], size: int) -> Seen:
    """Check a FAISS index file of `size` bytes. Raises DocumentRefused."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise DocumentRefused("broken", "is too short for a FAISS index")
    name, dimension, count, _, _, trained, metric = _HEAD.unpack(head)
    if not name.startswith((b"Ix", b"Iw", b"IH")):
        raise DocumentRefused("unknown_shape", f"begins with {name!r}, which is no FAISS index of ours to read")
    if not 0 < dimension <= MAX_DIMENSION or not 0 <= count <= size * _BITS or not trained:
        raise DocumentRefused("broken", f"claims {count} vectors of dimension {dimension} in {size} bytes")
    if metric not in {0, 1}:
        raise DocumentRefused("unknown_shape", f"metric {metric} is neither inner product nor L2")
    if name in _FLAT:
        return _look_at_flat(file, size, Seen(_FLAT[name], count, dimension, None))
    return _open(Seen(f"index {name.decode('ascii', 'replace')}", count, dimension, None))


def _look_at_flat(file: IO[bytes], size: int, seen: Seen) -> Seen:
    """Check the vectors without FAISS: native code gets to see no more than it must."""
    raw = file.read(8)
    if len(raw) < 8 or int.from_bytes(raw, "little") != seen.count * seen.dimension:  # noqa: PLR2004 - a 64-bit length
        raise DocumentRefused("broken", "the length of its vectors is not count times dimension")
    _check_size(seen.count, seen.dimension, size - file.tell(), 4)
    return Seen(seen.format, seen.count, seen.dimension, _all_finite(file, np.dtype("<f4")))


def _open(claimed: Seen) -> Seen:
    """Have FAISS read an index whose layout is its own; the process is limited, and ends after this."""
    import faiss  # noqa: PLC0415 - most files need it not

    os.lseek(_STDIN, 0, os.SEEK_SET)
    try:
        index = faiss.read_index(f"/dev/fd/{_STDIN}")
    except (RuntimeError, MemoryError) as error:
        raise DocumentRefused("broken", "FAISS cannot read it") from error
    if (index.ntotal, index.d) != (claimed.count, claimed.dimension):
        raise DocumentRefused("broken", "holds something else than its head says")
    return claimed


def _check_size(count: int, dimension: int, left: int, item: int) -> None:
    if not 0 < dimension <= MAX_DIMENSION or count < 0 or count * dimension * item != left:
        raise DocumentRefused("broken", f"claims {count} vectors of dimension {dimension}, has {left} bytes of them")


def _all_finite(file: IO[bytes], dtype: "np.dtype[np.floating]") -> bool:
    while piece := file.read(_PIECE):
        if not np.isfinite(np.frombuffer(piece, dtype)).all():
            return False
    return True
