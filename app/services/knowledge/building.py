"""Makes the content of index releases: read, cut, embed. What the release before embedded is taken over."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.domain.knowledge import Document, Passage
from app.domain.models import EmbedderSpec, Vectors
from app.domain.releases import ReleaseContent
from app.ports import Embedder, KnowledgeSource, Release
from app.services.knowledge import passages
from app.services.knowledge.reading import fingerprint, read_all

BATCH = 64
Progress = Callable[[int, int], None]
"""Called with (passages embedded, passages to embed)."""


def no_progress(_done: int, _total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class ContentBuilder:
    """Makes release contents of all that the sources hold."""

    sources: Sequence[KnowledgeSource]
    embedder: Embedder
    place: str = ""
    """Where vectors are kept, where that is not beside the rest of a release."""

    def source_digest(self) -> str:
        """Return the digest of all that shapes a release; blocks."""
        place = (self.place,) if self.place else ()
        return fingerprint(self.sources, passages.RULES, *_model_parts(self.embedder.spec), *place)

    async def content(self, before: Release | None, progress: Progress = no_progress) -> ReleaseContent:
        """Read and embed; raises KnowledgeInvalid, DependencyFailed."""
        # Before reading: what changes meanwhile makes another digest, and is built the next time.
        sources = await asyncio.to_thread(self.source_digest)
        documents = await asyncio.to_thread(read_all, self.sources)
        return await embed_documents(documents, self.embedder, sources, progress, before)


async def embed_documents(
    documents: Sequence[Document],
    embedder: Embedder,
    sources: str,
    progress: Progress = no_progress,
    before: Release | None = None,
) -> ReleaseContent:
    """Cut documents and embed those passages that `before` does not hold; the longest first, for even batches."""
    cut, texts = await asyncio.to_thread(_cut, documents, before)
    vectors: Vectors = np.zeros((len(texts), embedder.spec.dimension), np.float32)
    fresh = await asyncio.to_thread(_take_over, texts, vectors, before, embedder.spec)
    order = sorted(fresh, key=lambda at: len(texts[at]), reverse=True)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        vectors[rows] = await embedder.embed([texts[row] for row in rows])
        progress(start + len(rows), len(order))
    return ReleaseContent(tuple(documents), cut, vectors, embedder.spec, sources, passages.RULES, len(order))


def _cut(documents: Sequence[Document], before: Release | None) -> tuple[tuple[Passage, ...], list[str]]:
    """Return all passages and what of each is embedded; documents that `before` holds are not cut again."""
    titles = {document.id: document.title for document in documents}
    known: dict[str, list[Passage]] = {}
    if before is not None and before.manifest.rules == passages.RULES:
        for passage in before.passages:
            known.setdefault(passage.document_id, []).append(passage)
    cut: list[Passage] = []
    for document in documents:
        same = known.get(document.id)
        unchanged = same is not None and before is not None and before.documents[document.id] == document
        cut += same if same is not None and unchanged else passages.cut(document)
    return tuple(cut), [passage.searchable(titles[passage.document_id]) for passage in cut]


def _take_over(texts: Sequence[str], vectors: Vectors, before: Release | None, spec: EmbedderSpec) -> list[int]:
    """Fill in the vectors of texts that the same model embedded before; return the rows that remain."""
    if before is None or before.manifest.model_digest != spec.digest:
        return list(range(len(texts)))
    known = {
        passage.searchable(before.documents[passage.document_id].title): row
        for row, passage in enumerate(before.passages)
    }
    same = [row for row, text in enumerate(texts) if text in known]
    if same:
        vectors[same] = before.vectors.stored([known[texts[row]] for row in same])
    return [row for row, text in enumerate(texts) if text not in known]


def _model_parts(spec: EmbedderSpec) -> tuple[str, ...]:
    return spec.digest, str(spec.dimension)
