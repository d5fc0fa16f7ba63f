"""The raw content of documents: one file each, under a name made here, in a folder only we can read."""

import hashlib
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from app.adapters.catalogue.database import NAME, translated
from app.domain.documents import Stored
from app.errors import DocumentRefused, StartRefused, StoreFailed

_CHUNK = 256 * 1024
_ASIDE = ".part"
_STALE_SECONDS = 3600.0
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class RawFolder:
    """The RawFiles port. Every path is one of our names below one open folder, and no link is ever followed."""

    def __init__(self, root: Path) -> None:
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            reason = f"{root}: documents cannot be kept there ({error.strerror})"
            raise StartRefused(reason, "set STATE_DIR to a folder that can be written to") from error

    def close(self) -> None:
        """Close the folder."""
        os.close(self._folder)

    def put(self, source: BinaryIO, most: int) -> Stored:
        """Copy content aside, make it durable and give it its name; `settle` makes the name durable."""
        key = str(uuid.uuid4())
        with translated():
            try:
                digest, size = self._copy(source, key + _ASIDE, most)
                os.rename(key + _ASIDE, key, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            except BaseException:
                self.remove([key + _ASIDE])
                raise
        return Stored(key, digest, size)

    def settle(self) -> None:
        """Make all names durable."""
        with translated():
            os.fsync(self._folder)

    def read(self, key: str) -> bytes:
        """Return a file's content; raises StoreFailed where it is gone."""
        with translated(), os.fdopen(os.open(_plain(key), _OLD, dir_fd=self._folder), "rb") as file:
            return file.read()

    def remove(self, keys: Sequence[str]) -> None:
        """Remove files; what is not there is passed over."""
        for key in keys:
            with translated():
                try:
                    os.unlink(_plain(key), dir_fd=self._folder)
                except FileNotFoundError:
                    continue

    def sweep(self, known: frozenset[str]) -> int:
        """Remove what a crash left behind: unknown to the catalogue, and no other process's work of this moment."""
        stale = [name for name in os.listdir(self._folder) if name not in known and self._old(name)]  # noqa: PTH208
        self.remove(stale)
        return len(stale)

    def _copy(self, source: BinaryIO, name: str, most: int) -> tuple[str, int]:
        whole, size = hashlib.sha256(), 0
        with os.fdopen(os.open(name, _NEW, 0o600, dir_fd=self._folder), "wb") as file:
            while piece := source.read(_CHUNK):
                size += len(piece)
                if size > most:
                    raise DocumentRefused("too_large", f"is larger than {most} bytes")
                whole.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if not size:
            raise DocumentRefused("empty", "is empty")
        return whole.hexdigest(), size

    def _old(self, name: str) -> bool:
        try:
            changed = os.stat(name, dir_fd=self._folder, follow_symlinks=False).st_mtime
        except FileNotFoundError:
            return False
        return time.time() - changed > _STALE_SECONDS


def _plain(key: str) -> str:
    """Refuse what is no name of ours: a catalogue that was tampered with opens nothing outside its folder."""
    if not key.replace("-", "").removesuffix(_ASIDE).isalnum():
        raise StoreFailed(NAME, "a name that is none of ours")
    return key
