"""Puts together what takes documents in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any

from app.adapters.catalogue.catalogue import Catalogue
from app.adapters.extraction.extractor import ConfinedExtractor
from app.adapters.extraction.limits import Limits
from app.config import Settings
from app.domain.releases import Manifest
from app.ports import Release
from app.services.documents.deletion import Deletion
from app.services.documents.indexing import Indexer, Progress
from app.services.documents.reading import Reader
from app.services.documents.reporting import Reporting
from app.services.documents.running import Runner
from app.services.documents.service import DocumentService
from app.services.documents.submission import Submission


@asynccontextmanager
async def open_documents(
    settings: Settings, catalogue: Catalogue, indexer: Indexer, in_use: Callable[[], Release | None] = lambda: None
) -> AsyncIterator[DocumentService]:
    """Open the service of documents over a catalogue; jobs run while its `running()` does.

    `in_use` is the release that is searched, where this process searches one.
    """
    most = int(settings.files.max_file_size_mb * 1024 * 1024)
    extractor = ConfinedExtractor(Limits(file_bytes=most, seconds=settings.files.extraction_seconds))
    runner = Runner(
        queue=catalogue.work,
        progress=catalogue.progress,
        raw=catalogue.raw,
        reader=Reader(catalogue.raw, extractor, language_of),
        indexer=indexer,
        lock=catalogue.locks,
    )
    try:
        yield DocumentService(
            submission=Submission(catalogue.submissions, catalogue.raw, extractor.suffixes(), most),
            deletion=Deletion(catalogue.submissions, runner.wake),
            report=Reporting(catalogue.records, catalogue.raw, in_use),
            runner=runner,
        )
    finally:
        await asyncio.to_thread(extractor.close)


class LazyIndexer:
    """An Indexer that loads its model when it is first needed: a command that changes nothing loads none."""

    def __init__(self, stack: AsyncExitStack, opened: Callable[[], AbstractAsyncContextManager[Indexer]]) -> None:
        self._stack = stack
        self._open = opened
        self._indexer: Indexer | None = None
        self._opening = asyncio.Lock()

    async def load(self) -> Indexer:
        """Return the indexer, loaded."""
        async with self._opening:
            if self._indexer is None:
                self._indexer = await self._stack.enter_async_context(self._open())
            return self._indexer

    async def refresh(self, progress: Progress) -> Manifest:
        """Bring the index in step."""
        return await (await self.load()).refresh(progress)


@asynccontextmanager
async def open_indexer(settings: Settings) -> AsyncIterator[Indexer]:
    """Open the keeper of releases over all sources, the catalogue among them."""
    from app.container.knowledge import open_keeper  # noqa: PLC0415 - it takes a model to be of use

    async with open_keeper(settings) as keeper:
        yield keeper


@cache
def _detector() -> Any:
    from app.adapters.language import open_detector  # noqa: PLC0415 - loaded with the first text

    return open_detector()


def language_of(text: str) -> str:
    """Return the language a text seems to be in."""
    return str(_detector()(text))
