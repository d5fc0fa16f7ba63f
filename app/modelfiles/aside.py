"""Files and folders that appear whole or not at all: written beside their place, then moved there."""

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STALE_SECONDS = 3600
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST}


@contextmanager
def written_aside(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write a file or a folder at, and move it there when the block succeeds.

    What stood there before is replaced. Where two processes write the same folder, one of the two results stays.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(target)
    # The suffix stays at the end: writers of model formats look at it.
    draft = target.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.{target.name}")
    try:
        yield draft
        _move(draft, target)
    finally:
        remove(draft)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _move(draft: Path, target: Path) -> None:
    for path in [*draft.rglob("*"), draft] if draft.is_dir() else [draft]:
        _flush(path)
    if draft.is_dir():
        remove(target)
    try:
        draft.replace(target)
    except OSError as error:
        # Another process was quicker, between our removing and our moving: its result is as good as ours.
        if error.errno not in _TAKEN:
            raise
    _flush(target.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(target: Path) -> None:
    """Remove what a process that was killed left behind."""
    for left in target.parent.glob(f".*.{target.name}"):
        try:
            age = time.time() - left.stat().st_mtime
        except FileNotFoundError:
            continue
        if age > _STALE_SECONDS:
            remove(left)
