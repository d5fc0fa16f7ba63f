"""The files of one release: written so that they last, and read only when they are what was written."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from app.adapters.index import codec, durable
from app.adapters.index.bm25_index import Bm25Index
from app.adapters.index.faiss_index import FaissIndex, rows_file
from app.adapters.index.faiss_plan import IndexKind, choose
from app.domain.knowledge import Document, Passage
from app.domain.models import EmbedderSpec, Vectors
from app.domain.releases import Manifest, ReleaseContent
from app.errors import IndexCorrupt, IndexMismatch
from app.ports import Release, VectorIndex

VECTORS = "it_support_faiss_index.bin"
METADATA = "it_support_metadata.json"
CONFIG = "it_support_config.json"
MANIFEST = "manifest.json"
METRIC = "inner_product"
EXACT = IndexKind.FLAT.value
EXTERNAL = "external"
"""The kind of an index whose vectors are in an engine outside."""
REBUILD = "python -m app index --force"


@contextmanager
def whole(what: str) -> Iterator[None]:
    """Tell of a file that is missing or cannot be read as of one that is altered."""
    try:
        yield
    except OSError as error:
        raise IndexCorrupt(f"{what} cannot be read: {error.strerror or error}", REBUILD) from error


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the release in a folder; raises IndexCorrupt."""
    with whole(f"release {folder.name}"):
        return codec.load_manifest((folder / MANIFEST).read_bytes(), folder.name)


class CountedIndex(VectorIndex, Protocol):
    """A vector index that knows its size."""

    @property
    def count(self) -> int:
        """The number of vectors."""
        ...

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...


class VectorEngine(Protocol):
    """Keeps the vectors of releases outside this machine."""

    def publish(self, release: str, vectors: Vectors) -> None:
        """Keep vectors under a release's name. Raises DependencyFailed."""
        ...

    def open(self, release: str, count: int, dimension: int) -> CountedIndex:
        """Return the search over them. Raises IndexMissing, IndexCorrupt, DependencyFailed."""
        ...

    def clean(self, keep: Collection[str]) -> int:
        """Forget all releases but these, and return how many that were. Raises DependencyFailed."""
        ...


def read_release(folder: Path, embedder: EmbedderSpec, before: Release | None, engine: VectorEngine | None) -> Release:
    """Verify and open the release in a folder; raises IndexCorrupt, IndexMismatch."""
    manifest = read_manifest(folder)
    _refuse_other_model(manifest, embedder)
    with whole(f"release {folder.name}"):
        _verify(folder, manifest)
        content = codec.load_metadata((folder / METADATA).read_bytes())
        vectors = _vectors(folder, manifest, engine)
    documents = {document.id: document for document in content.documents}
    _refuse_other_rows(manifest, documents, content.passages, vectors)
    rows = [(row.searchable(documents[row.document_id].title), row.language) for row in content.passages]
    analysed = before.lexical if before is not None and isinstance(before.lexical, Bm25Index) else None
    return Release(manifest, documents, content.passages, vectors, Bm25Index(rows, analysed))


def write_release(folder: Path, content: ReleaseContent, memory_mib: int, engine: VectorEngine | None) -> Manifest:
    """Write a release's files into a new folder and make them durable; raises OSError, DependencyFailed.

    The kind of index is chosen so that it takes at most `memory_mib` where any does; an engine takes its place.
    """
    folder.mkdir()
    kind, recall, names = (EXTERNAL, 1.0, ()) if engine else _write_vectors(folder, content.vectors, memory_mib)
    durable.write(folder / METADATA, codec.dump_metadata(content))
    durable.write(folder / CONFIG, codec.dump_config(_config(content, kind)))
    files = {name: durable.sha256(folder / name) for name in (*names, METADATA, CONFIG)}
    manifest, sealed = _sealed(content, files, kind, recall)
    durable.write(folder / MANIFEST, sealed)
    durable.sync(folder)
    if engine:
        engine.publish(manifest.release, content.vectors)
    return manifest


def _write_vectors(folder: Path, vectors: Vectors, memory_mib: int) -> tuple[str, float, tuple[str, ...]]:
    """Index vectors and write them; return the kind of index, its recall, and the files' names."""
    built = FaissIndex.build(vectors, choose(len(vectors), vectors.shape[1], memory_mib))
    names = built.write(folder / VECTORS)
    for name in names:
        durable.sync(folder / name)
    report = built.report
    return (report.kind.value, report.recall, names) if report else (EXACT, 1.0, names)


def _vectors(folder: Path, manifest: Manifest, engine: VectorEngine | None) -> CountedIndex:
    if manifest.index_type != EXTERNAL:
        return FaissIndex.read(folder / VECTORS)
    if engine is None:
        reason = f"the vectors of release {manifest.release} are in a vector engine"
        raise IndexMismatch(reason, "set VECTOR_URL, or run: python -m app index")
    return engine.open(manifest.release, manifest.passages, manifest.dimension)


def _refuse_other_model(manifest: Manifest, embedder: EmbedderSpec) -> None:
    if manifest.dimension != embedder.dimension:
        reason = f"has dimension {manifest.dimension}, the model {embedder.model_id} has {embedder.dimension}"
    elif manifest.model_digest != embedder.digest:
        reason = f"was made by {manifest.model_id} ({manifest.model_digest[:12]}), not by {embedder.model_id}"
    else:
        return
    raise IndexMismatch(f"index release {manifest.release} {reason}", "python -m app index, or restore EMBEDDING_MODEL")


def _verify(folder: Path, manifest: Manifest) -> None:
    if set(manifest.files) != _names(manifest.index_type):
        raise IndexCorrupt(f"the manifest of {manifest.release} names other files than a release has", REBUILD)
    for name, digest in manifest.files.items():
        if durable.sha256(folder / name) != digest:
            raise IndexCorrupt(f"{name} of release {manifest.release} is altered", REBUILD)


def _names(index_type: str) -> set[str]:
    """Return the files that a release with such an index has beside its manifest."""
    if index_type == EXTERNAL:
        return {METADATA, CONFIG}
    coded = set() if index_type == EXACT else {rows_file(Path(VECTORS)).name}
    return {VECTORS, METADATA, CONFIG} | coded


def _refuse_other_rows(
    manifest: Manifest, documents: Mapping[str, Document], passages: Sequence[Passage], vectors: CountedIndex
) -> None:
    """Refuse a release whose files are what was written, but do not fit one another."""
    if not vectors.count == len(passages) == manifest.passages:
        raise IndexCorrupt("the index has other rows than its metadata", REBUILD)
    if vectors.dimension != manifest.dimension:
        raise IndexCorrupt("the index has another dimension than its manifest says", REBUILD)
    if any(passage.document_id not in documents for passage in passages):
        raise IndexCorrupt("the index holds passages of unknown documents", REBUILD)


def _config(content: ReleaseContent, kind: str) -> codec.Config:
    spec = content.embedder
    return codec.Config(spec.model_id, spec.digest, spec.dimension, METRIC, kind, content.rules)


def _sealed(content: ReleaseContent, files: dict[str, str], kind: str, recall: float) -> tuple[Manifest, bytes]:
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
        index_type=kind,
        recall=recall,
        embedded=content.embedded,
        rules=content.rules,
    )
    return codec.seal(manifest, f"{now:%Y%m%dT%H%M%S%fZ}")
