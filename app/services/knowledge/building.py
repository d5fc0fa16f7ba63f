"""Builds index releases: read, cut, embed, publish. Nothing is published unless all of it succeeded."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.domain.knowledge import Document
from app.domain.models import EmbedderSpec, Vectors
from app.domain.releases import Manifest, ReleaseContent
from app.errors import IndexCorrupt
from app.ports import Embedder, KnowledgeSource, ReleaseStore
from app.services.knowledge import passages
from app.services.knowledge.reading import fingerprint, read_all

BATCH = 64
Progress = Callable[[int, int], None]
"""Called with (passages embedded, passages in all)."""


def no_progress(_done: int, _total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class IndexBuilder:
    """Keeps the index in step with its sources."""

    sources: Sequence[KnowledgeSource]
    embedder: Embedder
    store: ReleaseStore

    async def ensure(self, progress: Progress = no_progress) -> tuple[Manifest, bool]:
        """Build a release only if sources, rules or model changed; return the manifest and whether it was built."""
        sources = await asyncio.to_thread(self.source_digest)
        manifest = await asyncio.to_thread(self._usable)
        if manifest is not None and manifest.sources == sources:
            return manifest, False
        return await self.build(progress), True

    async def build(self, progress: Progress = no_progress) -> Manifest:
        """Build and publish a release; raises KnowledgeInvalid, and then the current release stays."""
        sources = await asyncio.to_thread(self.source_digest)
        documents = await asyncio.to_thread(read_all, self.sources)
        content = await embed_documents(documents, self.embedder, sources, progress)
        return await asyncio.to_thread(self.store.publish, content)

    def source_digest(self) -> str:
        """Return the digest of all that shapes a release."""
        return fingerprint(self.sources, passages.RULES, *_model_parts(self.embedder.spec))

    def _usable(self) -> Manifest | None:
        """Return the current manifest; one that cannot be read is replaced by a new build."""
        try:
            return self.store.current()
        except IndexCorrupt:
            return None


async def embed_documents(
    documents: Sequence[Document], embedder: Embedder, sources: str, progress: Progress = no_progress
) -> ReleaseContent:
    """Cut documents and embed their passages, longest first so that a batch holds texts of like length."""
    cut = tuple(passage for document in documents for passage in passages.cut(document))
    titles = {document.id: document.title for document in documents}
    texts = [passage.searchable(titles[passage.document_id]) for passage in cut]
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]), reverse=True)
    vectors: Vectors = np.zeros((len(texts), embedder.spec.dimension), np.float32)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        vectors[rows] = await embedder.embed([texts[row] for row in rows])
        progress(start + len(rows), len(order))
    return ReleaseContent(tuple(documents), cut, vectors, embedder.spec, sources, passages.RULES)


def _model_parts(spec: EmbedderSpec) -> tuple[str, ...]:
    return spec.digest, str(spec.dimension)
