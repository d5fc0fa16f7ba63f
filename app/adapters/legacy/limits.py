"""What reading an old file may cost, by its kind."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: how large it may be, and whether it holds vectors instead of rows."""

    max_bytes: int
    vectors: bool = False


KINDS: Final = {
    "pickle": Kind(32 * MIB),
    "json": Kind(32 * MIB),
    "object": Kind(MIB),
    "npy": Kind(1024 * MIB, vectors=True),
    "faiss": Kind(1024 * MIB, vectors=True),
}
MAX_ANSWER: Final = 128 * MIB
"""Bytes that are read of what the process says."""

_PER_SECOND: Final = 4 * MIB
_PATIENCE: Final = 4


def processor_seconds(size: int) -> int:
    """Return the processor time for a file of so many bytes: a second, and one more for every 4 MiB."""
    return 1 + size // _PER_SECOND


def wall_seconds(size: int) -> float:
    """Return how long to wait for a process that may share its processor with others."""
    return _PATIENCE * processor_seconds(size)
