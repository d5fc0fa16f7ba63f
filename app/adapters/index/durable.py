"""Files that are on the disk when we say they are, and a name that points to the old or the new, never to half.

Method: write aside, fsync the file, rename, fsync the folder (Pillai et al., "All File Systems Are Not Created Equal",
OSDI 2014).
"""

import hashlib
import os
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Write a new file and make it durable; its folder is not synced yet."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Make a file, or the entries of a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, data: bytes) -> None:
    """Give a file new content in one atomic step; the caller sees to it that nobody else does so at the same time."""
    aside = path.with_name(f"{path.name}.tmp")
    aside.unlink(missing_ok=True)
    write(aside, data)
    aside.replace(path)
    sync(path.parent)


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
