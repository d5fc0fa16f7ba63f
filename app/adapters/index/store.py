"""Index releases in a folder: `releases/<id>/` with its files, and `CURRENT`, which names the one in use.

A release is written aside and synced, renamed into place, and `CURRENT` is replaced last: a crash at any point leaves
the old release or the new one, whole. Nothing is used before its digest was compared: the release's name vouches for
its manifest, the manifest for the other files.
"""

import fcntl
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from app.adapters.index import durable
from app.adapters.index.files import METADATA, REBUILD, VectorEngine, read_manifest, read_release, whole, write_release
from app.domain.models import EmbedderSpec
from app.domain.releases import Manifest, ReleaseContent
from app.errors import IndexCorrupt, IndexMissing, NotFound, StartRefused
from app.ports import Release

log = logging.getLogger(__name__)

CURRENT = "CURRENT"
_NAME = re.compile(r"[0-9TZ]+-[0-9a-f]{12}")
_POINTER = re.compile(rf"({_NAME.pattern})(?: held ([0-9a-f]+))?\n")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Pointer:
    """What `CURRENT` says: the release in use, and the digest of the sources that are not to be built for now."""

    name: str
    held: str = ""

    def line(self) -> bytes:
        return f"{self.name} held {self.held}\n".encode() if self.held else f"{self.name}\n".encode()


class FolderReleaseStore:
    """The ReleaseStore and ReleaseShelf ports.

    `keep` releases are kept besides the current one, to go back to. An index larger than `memory_mib` gives way to a
    kind that is smaller; an `engine` keeps the vectors in its place.
    """

    def __init__(
        self, root: Path, *, keep: int = 2, memory_mib: int = 2048, engine: VectorEngine | None = None
    ) -> None:
        self._root = root
        self._releases = root / "releases"
        self._keep = keep
        self._memory_mib = memory_mib
        self._engine = engine

    def current(self) -> Manifest | None:
        """Return the current release's manifest."""
        return self._read(lambda name: read_manifest(self._releases / name))

    def held(self) -> str:
        """Return the digest of sources that are not to be built."""
        pointer = self._pointer()
        return pointer.held if pointer else ""

    def open(self, embedder: EmbedderSpec, *, name: str | None = None, before: Release | None = None) -> Release:
        """Verify and open a release, the current one by default."""
        if name is not None:
            return read_release(self._folder(name), embedder, before, self._engine)
        release = self._read(lambda current: read_release(self._releases / current, embedder, before, self._engine))
        if release is None:
            raise IndexMissing(f"there is no index in {self._root}", "python -m app index")
        return release

    def manifests(self) -> tuple[Manifest, ...]:
        """Return the manifests of all whole releases, newest first."""
        found: list[Manifest] = []
        for folder in sorted(self._whole(), reverse=True):
            try:
                found.append(read_manifest(folder))
            except IndexCorrupt as error:
                log.warning("release left out", extra={"release": folder.name, "reason": str(error)})
        return tuple(found)

    def write(self, content: ReleaseContent) -> Manifest:
        """Write a release; it is not current yet."""
        with self._writing():
            return self._write(content)

    def activate(self, name: str, *, held: str = "") -> None:
        """Make a release current; raises NotFound, StartRefused."""
        with self._writing():
            self._folder(name)
            self._switch(_Pointer(name, held))

    def publish(self, content: ReleaseContent) -> Manifest:
        """Write a release and make it current; raises StartRefused where it cannot be written."""
        with self._writing():
            manifest = self._write(content)
            self._switch(_Pointer(manifest.release))
        return manifest

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Try to be the one builder, and tell whether that went well."""
        with self._writable():
            file = (self._root / "building").open("a")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _read(self, read: Callable[[str], _T]) -> _T | None:
        """Read the current release; again, where writers replaced and removed it while it was read."""
        while (pointer := self._pointer()) is not None:
            try:
                return read(pointer.name)
            except IndexCorrupt:
                if self._pointer() == pointer:
                    raise
        return None

    def _pointer(self) -> _Pointer | None:
        path = self._root / CURRENT
        with whole("the current release"):
            if not path.exists():
                return None
            named = _POINTER.fullmatch(path.read_bytes().decode("ascii", "replace"))
        if named is None:
            raise IndexCorrupt(f"{CURRENT} does not name a release", REBUILD)
        return _Pointer(named[1], named[2] or "")

    def _folder(self, name: str) -> Path:
        folder = self._releases / name
        if not _NAME.fullmatch(name) or not (folder / METADATA).is_file():
            raise NotFound("index release")
        return folder

    def _whole(self) -> list[Path]:
        if not self._releases.is_dir():
            return []
        return [path for path in self._releases.iterdir() if path.is_dir() and _NAME.fullmatch(path.name)]

    def _write(self, content: ReleaseContent) -> Manifest:
        aside = self._releases / "new.tmp"
        shutil.rmtree(aside, ignore_errors=True)
        try:
            manifest = write_release(aside, content, self._memory_mib, self._engine)
            aside.rename(self._releases / manifest.release)
        finally:
            shutil.rmtree(aside, ignore_errors=True)  # what failed half way must not fill the disk
        durable.sync(self._releases)
        return manifest

    def _switch(self, pointer: _Pointer) -> None:
        durable.replace(self._root / CURRENT, pointer.line())
        log.info("release activated", extra={"release": pointer.name})
        self._clean(pointer.name)

    def _clean(self, current: str) -> None:
        """Remove what is older than the releases kept, and what a crash left half written."""
        others = {path for path in self._releases.iterdir() if path.is_dir() and path.name != current}
        kept = sorted(path for path in others if _NAME.fullmatch(path.name))
        kept = kept[max(0, len(kept) - self._keep) :]
        for path in others - set(kept):
            shutil.rmtree(path)
        if self._engine is not None:
            self._engine.clean([current, *(path.name for path in kept)])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time, across processes."""
        with self._writable(), (self._root / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _writable(self) -> Iterator[None]:
        """See to it that the folder is there; raises StartRefused where it cannot be written to."""
        try:
            self._releases.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            reason = f"the index cannot be written to {self._root}: {error.strerror or error}"
            raise StartRefused(reason, "make room or give the right to write, or set INDEX_DIR") from error
