"""Index releases in a folder: `releases/<id>/` with its files, and `CURRENT`, which names the one in use.

A release is written aside and synced, renamed into place, and `CURRENT` is replaced last: a crash at any point leaves
the old release or the new one, whole. Nothing is read before its digest was compared with the manifest.
"""

import fcntl
import hashlib
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from app.adapters.index import codec, durable
from app.adapters.index.bm25_index import Bm25Index
from app.adapters.index.faiss_index import FaissIndex
from app.domain.models import EmbedderSpec
from app.domain.releases import Manifest, ReleaseContent
from app.errors import IndexCorrupt, IndexMismatch, IndexMissing
from app.ports import Release

log = logging.getLogger(__name__)

VECTORS = "it_support_faiss_index.bin"
METADATA = "it_support_metadata.json"
CONFIG = "it_support_config.json"
MANIFEST = "manifest.json"
CURRENT = "CURRENT"
METRIC = "inner_product"
_NAME = re.compile(r"[0-9TZ]+-[0-9a-f]{12}")
_REBUILD = "python -m app index --force"


class FolderReleaseStore:
    """The ReleaseStore port. `keep` releases are kept besides the current one, to go back to."""

    def __init__(self, root: Path, *, keep: int = 2) -> None:
        self._root = root
        self._releases = root / "releases"
        self._keep = keep

    def current(self) -> Manifest | None:
        """Return the current release's manifest."""
        pointer = self._root / CURRENT
        if not pointer.is_file():
            return None
        name = pointer.read_text(errors="replace").strip()
        if not _NAME.fullmatch(name):
            raise IndexCorrupt(f"{CURRENT} does not name a release", _REBUILD)
        path = self._releases / name / MANIFEST
        if not path.is_file():
            raise IndexCorrupt(f"release {name} has no manifest", _REBUILD)
        manifest = codec.load_manifest(path.read_bytes())
        if manifest.release != name:
            raise IndexCorrupt(f"release {name} holds the manifest of {manifest.release}", _REBUILD)
        return manifest

    def open(self, embedder: EmbedderSpec) -> Release:
        """Verify and open the current release."""
        manifest = self.current()
        if manifest is None:
            raise IndexMissing(f"there is no index in {self._root}", "python -m app index")
        _refuse_other_model(manifest, embedder)
        folder = self._releases / manifest.release
        _verify(folder, manifest)
        content = codec.load_metadata((folder / METADATA).read_bytes())
        vectors = FaissIndex.read(folder / VECTORS)
        if not vectors.count == len(content.passages) == manifest.passages:
            raise IndexCorrupt("the index has other rows than its metadata", _REBUILD)
        if vectors.dimension != manifest.dimension:
            raise IndexCorrupt("the index has another dimension than its manifest says", _REBUILD)
        documents = {document.id: document for document in content.documents}
        lexical = Bm25Index(
            [(row.searchable(documents[row.document_id].title), row.language) for row in content.passages]
        )
        return Release(manifest, documents, content.passages, vectors, lexical)

    def publish(self, content: ReleaseContent) -> Manifest:
        """Write a release and make it current."""
        self._releases.mkdir(parents=True, exist_ok=True)
        with self._locked():
            manifest = self._write(content)
            durable.replace(self._root / CURRENT, f"{manifest.release}\n".encode())
            self._clean(manifest.release)
        log.info("release published", extra={"release": manifest.release, "passages": manifest.passages})
        return manifest

    def _write(self, content: ReleaseContent) -> Manifest:
        aside = self._releases / "new.tmp"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        FaissIndex.build(content.vectors).write(aside / VECTORS)
        durable.sync(aside / VECTORS)
        durable.write(aside / METADATA, codec.dump_metadata(content))
        durable.write(aside / CONFIG, codec.dump_config(_config(content)))
        manifest = _manifest(content, {name: durable.sha256(aside / name) for name in (VECTORS, METADATA, CONFIG)})
        durable.write(aside / MANIFEST, codec.dump_manifest(manifest))
        durable.sync(aside)
        aside.rename(self._releases / manifest.release)
        durable.sync(self._releases)
        return manifest

    def _clean(self, current: str) -> None:
        """Remove what is older than the releases kept, and what a crash left half written."""
        others = sorted(path for path in self._releases.iterdir() if path.is_dir() and path.name != current)
        whole = [path for path in others if _NAME.fullmatch(path.name)]
        for path in set(others) - set(whole[-self._keep :]):
            shutil.rmtree(path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, across processes; the lock dies with its holder."""
        with (self._root / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


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
        path = folder / name
        if not path.is_file() or durable.sha256(path) != digest:
            raise IndexCorrupt(f"{name} of release {manifest.release} is missing or altered", _REBUILD)


def _config(content: ReleaseContent) -> codec.Config:
    spec = content.embedder
    return codec.Config(spec.model_id, spec.digest, spec.dimension, METRIC, "IndexFlatIP", content.rules)


def _manifest(content: ReleaseContent, files: dict[str, str]) -> Manifest:
    now = datetime.now(UTC)
    whole = hashlib.sha256("".join(f"{name}{digest}" for name, digest in sorted(files.items())).encode()).hexdigest()
    return Manifest(
        release=f"{now:%Y%m%dT%H%M%S%fZ}-{whole[:12]}",
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
