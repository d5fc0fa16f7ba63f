"""A catalogue on disk with an extractor and an index that are quick and can be made to fail."""

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from app.adapters.catalogue.catalogue import Catalogue
from app.domain.documents import FROM_API, Job
from app.domain.extraction import ColumnMapping, Extracted
from app.domain.knowledge import Document, Section, SectionKind
from app.domain.releases import Manifest
from app.errors import DocumentRefused
from app.services.documents.deletion import Deletion
from app.services.documents.indexing import Progress
from app.services.documents.reading import Reader
from app.services.documents.reporting import Reporting
from app.services.documents.running import Runner
from app.services.documents.service import DocumentService
from app.services.documents.submission import Candidate, Submission

SUFFIXES = frozenset({"md", "txt", "csv"})
MANIFEST = Manifest("r1", "", "", "m", "d", 3, 0, 0, "ip", {})


@dataclass
class FakeExtractor:
    """One document a file, a document a line of a CSV; a file that begins with `BAD` is refused."""

    error: Exception | None = None
    read: list[str] = field(default_factory=list)
    wait: float = 0.0

    def suffixes(self) -> frozenset[str]:
        return SUFFIXES

    async def extract(self, name: str, content: bytes, mapping: ColumnMapping) -> tuple[Extracted, ...]:
        self.read.append(name)
        await asyncio.sleep(self.wait)
        if self.error:
            raise self.error
        if content.startswith(b"BAD"):
            raise DocumentRefused("unreadable", "is damaged")
        texts = content.decode().splitlines() if name.endswith(".csv") else [content.decode()]
        shared = {"category": mapping.title or "none", "platform": ("any", "windows")}
        return tuple(
            Extracted(str(at), f"{name} {at}", (Section("", SectionKind.BODY, text),), metadata=shared)
            for at, text in enumerate(texts)
        )


@dataclass
class FakeIndexer:
    """What is findable is what the source yielded when it was last refreshed."""

    catalogue: Catalogue
    error: Exception | None = None
    refreshed: int = 0
    found: dict[str, Document] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    wait: float = 0.0

    async def refresh(self, progress: Progress) -> Manifest:
        self.refreshed += 1
        self.before()
        if self.error:
            raise self.error
        found = {document.id: document for document in self.catalogue.source.documents()}
        progress(0, len(found))
        await asyncio.sleep(self.wait)
        progress(len(found), len(found))
        self.found = found
        return MANIFEST

    def texts(self) -> list[str]:
        return sorted(document.sections[0].text for document in self.found.values())


@dataclass
class Place:
    catalogue: Catalogue
    documents: DocumentService
    extractor: FakeExtractor
    indexer: FakeIndexer
    root: Path

    async def run(self) -> None:
        await self.documents.runner.run_pending()

    async def job(self, job: Job | None) -> Job:
        assert job is not None
        return await self.documents.report.job(job.id)

    def raw(self) -> list[str]:
        return sorted(path.name for path in (self.root / "documents").iterdir())


@contextmanager
def opened(root: Path, most: int = 1000) -> Iterator[Place]:
    with Catalogue(root) as catalogue:
        extractor, indexer = FakeExtractor(), FakeIndexer(catalogue)
        reader = Reader(catalogue.raw, extractor, lambda text: "de" if "der" in text else "en")
        runner = Runner(catalogue.work, catalogue.progress, catalogue.raw, reader, indexer, catalogue.locks)
        documents = DocumentService(
            Submission(catalogue.submissions, catalogue.raw, SUFFIXES, most),
            Deletion(catalogue.submissions, runner.wake),
            Reporting(catalogue.records, catalogue.raw),
            runner,
        )
        yield Place(catalogue, documents, extractor, indexer, root)


def candidate(text: str, name: str = "a.md", origin: str = FROM_API, mapping: ColumnMapping | None = None) -> Candidate:
    return Candidate(name, origin, lambda: nullcontext(io.BytesIO(text.encode())), mapping or ColumnMapping())
