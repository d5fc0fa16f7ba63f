"""SHA-256 of model files, remembered so that a start does not read gigabytes again."""

import contextlib
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from app.modelfiles.aside import written_aside

_HEX = re.compile(r"[0-9a-f]{64}")


def file_digest(path: Path, cache_dir: Path) -> str:
    """Return the file's SHA-256 as hex.

    It is read from the cache where a file of this path, size and modification time was read before.
    """
    facts = path.stat()
    key = hashlib.sha256(f"{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}".encode()).hexdigest()
    note = cache_dir / "digests" / key
    remembered = note.read_text("ascii", "replace") if note.is_file() else ""
    if _HEX.fullmatch(remembered):
        return remembered
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    # A cache that cannot be written costs a second look at the next start, nothing else.
    with contextlib.suppress(OSError), written_aside(note) as draft:
        draft.write_text(digest, "ascii")
    return digest


def files_digest(folder: Path, files: Sequence[Path], cache_dir: Path) -> str:
    """Return one SHA-256 for several files of a folder: the file's own where there is one alone."""
    if len(files) == 1:
        return file_digest(files[0], cache_dir)
    lines = (f"{path.relative_to(folder).as_posix()} {file_digest(path, cache_dir)}\n" for path in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
