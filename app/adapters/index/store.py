"""Index releases in a folder: `releases/<id>/` with its files, and `CURRENT`, which names the one in use.

A release is written aside and synced, renamed into place, and `CURRENT` is replaced last: a crash at any point leaves
the old release or the new one, whole. Nothing is used before its digest was compared: the release's name vouches for
its manifest, the manifest for the other files.
"""

import fcntl
import logging
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from app.adapters.index import codec, durable
from app.adapters.index.bm25_index import Bm25Index
from app.adapters.index.faiss_index import FaissIndex
from app.domain.knowledge import Document, Passage
from app.domain.models import EmbedderSpec
from app.domain.releases import Manifest, ReleaseContent
from app.errors import IndexCorrupt, IndexMismatch, IndexMissing, StartRefused
from app.ports import Release

log = logging.getLogger(__name__)

VECTORS = "it_support_faiss_index.bin"
METADATA = "it_support_metadata.json"
CONFIG = "it_support_config.json"
MANIFEST = "manifest.json"
CURRENT = "CURRENT"
METRIC = "inner_product"
_NAME = re.compile(r"[0-9TZ]+-[0-9a-f]{12}")
_POINTER = re.compile(rf"({_NAME.pattern})\n")
_T = TypeVar("_T")
_REBUILD = "python -m app index --force"


class FolderReleaseStore:
    """The ReleaseStore port. `keep` releases are kept besides the current one, to go back to."""

    def __init__(self, root: Path, *, keep: int = 2) -> None:
        self._root = root
        self._releases = root / "releases"
        self._keep = keep

    def current(self) -> Manifest | None:
        """Return the current release's manifest."""
        return self._read(self._manifest)

    def open(self, embedder: EmbedderSpec) -> Release:
        """Verify and open the current release."""
        release = self._read(lambda name: self._open(name, embedder))
        if release is None:
            raise IndexMissing(f"there is no index in {self._root}", "python -m app index")
        return release

    def _read(self, read: Callable[[str], _T]) -> _T | None:
        """Read the current release; again, where writers replaced and removed it while it was read."""
        while (name := self._current_name()) is not None:
            try:
                return read(name)
            except IndexCorrupt:
                if self._current_name() == name:
                    raise
        return None

    def _current_name(self) -> str | None:
        pointer = self._root / CURRENT
        with _whole("the current release"):
            if not pointer.exists():
                return None
            named = _POINTER.fullmatch(pointer.read_bytes().decode("ascii", "replace"))
        if named is None:
            raise IndexCorrupt(f"{CURRENT} does not name a release", _REBUILD)
        return named[1]

    def _manifest(self, name: str) -> Manifest:
        with _whole(f"release {name}"):
            return codec.load_manifest((self._releases / name / MANIFEST).read_bytes(), name)

    def _open(self, name: str, embedder: EmbedderSpec) -> Release:
        manifest = self._manifest(name)
        _refuse_other_model(manifest, embedder)
        folder = self._releases / name
        with _whole(f"release {name}"):
            _verify(folder, manifest)
            content = codec.load_metadata((folder / METADATA).read_bytes())
            vectors = FaissIndex.read(folder / VECTORS)
        documents = {document.id: document for document in content.documents}
        _refuse_other_rows(manifest, documents, content.passages, vectors)
        lexical = Bm25Index(
            [(row.searchable(documents[row.document_id].title), row.language) for row in content.passages]
        )
        return Release(manifest, documents, content.passages, vectors, lexical)

    def publish(self, content: ReleaseContent) -> Manifest:
        """Write a release and make it current; raises StartRefused where it cannot be written."""
        try:
            self._releases.mkdir(parents=True, exist_ok=True)
            with self._locked():
                manifest = self._write(content)
                durable.replace(self._root / CURRENT, f"{manifest.release}\n".encode())
                self._clean(manifest.release)
        except OSError as error:
            reason = f"the index cannot be written to {self._root}: {error.strerror or error}"
            raise StartRefused(reason, "make room or give the right to write, or set INDEX_DIR") from error
        log.info("release published", extra={"release": manifest.release, "passages": manifest.passages})
        return manifest

    def _write(self, content: ReleaseContent) -> Manifest:
        aside = self._releases / "new.tmp"
        shutil.rmtree(aside, ignore_errors=True)
        try:
            manifest = _write_into(aside, content)
            aside.rename(self._releases / manifest.release)
        finally:
            shutil.rmtree(aside, ignore_errors=True)  # what failed half way must not fill the disk
        durable.sync(self._releases)
        return manifest

    def _clean(self, current: str) -> None:
        """Remove what is older than the releases kept, and what a crash left half written."""
        others = sorted(path for path in self._releases.iterdir() if path.is_dir() and path.name != current)
        whole = [path for path in others if _NAME.fullmatch(path.name)]
        for path in set(others) - set(whole[max(0, len(whole) - self._keep) :]):
            shutil.rmtree(path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, across processes; the lock dies with its holder."""
        with (self._root / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@contextmanager
def _whole(what: str) -> Iterator[None]:
    """Tell of a file that is missing or cannot be read as of one that is altered."""
    try:
        yield
    except OSError as error:
        raise IndexCorrupt(f"{what} cannot be read: {error.strerror or error}", _REBUILD) from error


def _refuse_other_model(manifest: Manifest, embedder: EmbedderSpec) -> None:
    if manifest.dimension != embedder.dimension:
        reason = f"has dimension {manifest.dimension}, the model {embedder.model_id} has {embedder.dimension}"
    elif manifest.model_digest != embedder.digest:
        reason = f"was made by {manifest.model_id} ({manifest.model_digest[:12]}), not by {embedder.model_id}"
    else:
        return
    raise IndexMismatch(f"index release {manifest.release} {reason}", "python -m app index, or restore EMBEDDING_MODEL")


def _verify(folder: Path, manifest: Manifest) -> None:
    if set(manifest.files) != {VECTORS, METADATA, CONFIG}:
        raise IndexCorrupt(f"the manifest of {manifest.release} names other files than a release has", _REBUILD)
    for name, digest in manifest.files.items():
        if durable.sha256(folder / name) != digest:
            raise IndexCorrupt(f"{name} of release {manifest.release} is altered", _REBUILD)


def _refuse_other_rows(
    manifest: Manifest, documents: Mapping[str, Document], passages: Sequence[Passage], vectors: FaissIndex
) -> None:
    """Refuse a release whose files are what was written, but do not fit one another."""
    if not vectors.count == len(passages) == manifest.passages:
        raise IndexCorrupt("the index has other rows than its metadata", _REBUILD)
    if vectors.dimension != manifest.dimension:
        raise IndexCorrupt("the index has another dimension than its manifest says", _REBUILD)
    if any(passage.document_id not in documents for passage in passages):
        raise IndexCorrupt("the index holds passages of unknown documents", _REBUILD)


def _write_into(folder: Path, content: ReleaseContent) -> Manifest:
    """Write a release's files into a new folder and make them durable."""
    folder.mkdir()
    FaissIndex.build(content.vectors).write(folder / VECTORS)
    durable.sync(folder / VECTORS)
    durable.write(folder / METADATA, codec.dump_metadata(content))
    durable.write(folder / CONFIG, codec.dump_config(_config(content)))
    files = {name: durable.sha256(folder / name) for name in (VECTORS, METADATA, CONFIG)}
    manifest, sealed = _sealed(content, files)
    durable.write(folder / MANIFEST, sealed)
    durable.sync(folder)
    return manifest


def _config(content: ReleaseContent) -> codec.Config:
    spec = content.embedder
    return codec.Config(spec.model_id, spec.digest, spec.dimension, METRIC, "IndexFlatIP", content.rules)


def _sealed(content: ReleaseContent, files: dict[str, str]) -> tuple[Manifest, bytes]:
    now = datetime.now(UTC)
    manifest = Manifest(
        release="",
        created_at=now.isoformat(timespec="seconds"),
        sources=content.sources,
        model_id=content.embedder.model_id,
        model_digest=content.embedder.digest,
        dimension=content.embedder.dimension,
        documents=len(content.documents),
        passages=len(content.passages),
        metric=METRIC,
        files=files,
    )
    return codec.seal(manifest, f"{now:%Y%m%dT%H%M%S%fZ}")
