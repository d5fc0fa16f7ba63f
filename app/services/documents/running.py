"""Running jobs: one slice after another, in one process of an installation at a time."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.domain.documents import JobItem, Slice, Snapshot
from app.errors import DependencyFailed, DocumentRefused, KnowledgeInvalid, ServiceError, StoreFailed
from app.ports.documents import RawFiles, RunnerLock, WorkProgress, WorkQueue
from app.services.documents.indexing import Indexer
from app.services.documents.metering import Meter
from app.services.documents.reading import Reader

log = logging.getLogger("app.documents")

SLICE_FILES: Final = 100
SLICE_SECONDS: Final = 5.0
READERS: Final = 3
POLL_SECONDS: Final = 0.25
INTERNAL: Final = "an internal error; the log names it"
PAUSE_SECONDS: Final = 5.0
"""After the catalogue itself could not be written."""


@dataclass(frozen=True)
class Runner:
    """Does what the catalogue's jobs ask for. A job that was cut off is taken up where it was."""

    queue: WorkQueue
    progress: WorkProgress
    raw: RawFiles
    reader: Reader
    indexer: Indexer
    lock: RunnerLock
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Tell that there is something to do."""
        self._woken.set()

    async def serve(self, *, announce: bool = True) -> None:
        """Run jobs as they come, other processes' as well, until cancelled.

        Without `announce` it only steps in where no other process waits for jobs: a service has its models loaded.
        """
        while True:
            try:
                if announce:
                    self.lock.serve()
                if announce or not self.lock.served():
                    await self.run_pending()
            except StoreFailed as error:
                log.warning("documents_paused", extra={"why": str(error), "cause": repr(error.__cause__)})
                await asyncio.sleep(PAUSE_SECONDS)
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def run_pending(self) -> bool:
        """Run all jobs there are unless another process does; tell whether this one did.

        Raises StoreFailed where the catalogue cannot be written: nothing is lost, the jobs wait.
        """
        if not await asyncio.to_thread(self.progress.pending) or not self.lock.acquire():
            return False
        try:
            while (piece := await asyncio.to_thread(self.queue.take, SLICE_FILES)) is not None:
                await self._run(piece)
        finally:
            self.lock.release()
        return True

    async def _run(self, piece: Slice) -> None:
        job = piece.job.id
        try:
            await self._extract(piece.items)
            await self._index(job)
        except StoreFailed as error:
            await self._failed(job, error, "the catalogue could not be written")
            raise
        except KnowledgeInvalid as error:
            await self._failed(job, error, f"another source of knowledge cannot be read: {error.reason}")
        except ServiceError as error:
            await self._failed(job, error, f"the index could not be built ({error.code})")
        except Exception as error:  # the last resort: no job is ever stuck without a reason
            log.exception("job_broke_off", extra={"job": job})
            await self._failed(job, error, INTERNAL)

    async def _failed(self, job_id: str, error: Exception, reason: str) -> None:
        log.error("job_failed: %s", error, extra={"job": job_id, "cause": repr(error.__cause__)})
        await asyncio.to_thread(self.queue.fail, job_id, reason)

    async def _extract(self, items: Sequence[JobItem]) -> None:
        """Read files, a few at a time; what is not begun in time waits for the next slice."""
        waiting, end = iter(items), time.monotonic() + SLICE_SECONDS
        readers = [asyncio.create_task(self._read_some(waiting, end)) for _ in range(min(READERS, len(items)))]
        try:
            await asyncio.gather(*readers)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def _read_some(self, waiting: Iterator[JobItem], end: float) -> None:
        for item in waiting:
            await self._read(item)
            if time.monotonic() > end or await asyncio.to_thread(self.progress.stopped, item.job_id):
                return

    async def _read(self, item: JobItem) -> None:
        try:
            found = await self.reader.read(item)
        except DocumentRefused as error:
            await self._refuse(item, f"{error.reason}: {error.detail}")
        except DependencyFailed as error:
            log.warning("reading_failed", extra={"document": item.file_id, "why": str(error)})
            await self._refuse(item, f"it could not be read this time ({error.code}); try the job again")
        except Exception:  # one file's fault is not another's
            log.exception("reading_failed", extra={"document": item.file_id})
            await self._refuse(item, INTERNAL)
        else:
            await asyncio.to_thread(self.queue.extracted, item, found)

    async def _refuse(self, item: JobItem, reason: str) -> None:
        self._forget(await asyncio.to_thread(self.queue.refused, item, reason))

    async def _index(self, job_id: str) -> None:
        """Make findable what was read, and what was deleted no longer so; without either, build nothing."""
        snapshot: Snapshot = await asyncio.to_thread(self.progress.snapshot)
        if snapshot.index:
            meter = Meter(self.progress, job_id)
            async with meter.telling():
                await self.indexer.refresh(meter)
        self._forget(await asyncio.to_thread(self.queue.indexed, snapshot))

    def _forget(self, keys: Sequence[str]) -> None:
        if keys:
            self.raw.remove(keys)
