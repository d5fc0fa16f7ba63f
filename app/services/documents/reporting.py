"""Telling how documents and jobs are."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.domain.documents import FileFilter, FileRecord, FileState, Job
from app.ports import Release
from app.ports.documents import RawFiles, Records

FOLLOW_SECONDS: Final = 0.25
WAIT_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Reporting:
    """Reads the catalogue; every method raises StoreFailed where that cannot be done.

    `in_use` says what the release in use holds; None where nobody knows.
    """

    records: Records
    raw: RawFiles
    in_use: Callable[[], Release | None] = lambda: None

    async def file(self, file_id: str) -> FileRecord:
        """Return a document's record; raises NotFound."""
        record, _ = await asyncio.to_thread(self.records.file, file_id)
        return self._told((record,))[0]

    async def content(self, file_id: str) -> tuple[FileRecord, bytes]:
        """Return a document's record and what was sent; raises NotFound."""
        record, key = await asyncio.to_thread(self.records.file, file_id)
        return record, await asyncio.to_thread(self.raw.read, key)

    async def files(self, chosen: FileFilter, after: int = 0, limit: int = 50) -> tuple[tuple[FileRecord, ...], int]:
        """Return documents, newest first, from before position `after`, and how many are meant in all."""
        records, total = await asyncio.to_thread(self.records.files, chosen, after, limit)
        return self._told(records), total

    def _told(self, records: Sequence[FileRecord]) -> tuple[FileRecord, ...]:
        """Say of files that were ready and are not in the release in use that they are withdrawn."""
        release = self.in_use()
        if release is None:
            return tuple(records)
        held = _files_in(release)
        return tuple(
            replace(record, state=FileState.WITHDRAWN)
            if record.state is FileState.READY and record.id not in held
            else record
            for record in records
        )

    async def job(self, job_id: str) -> Job:
        """Return a job; raises NotFound."""
        return await asyncio.to_thread(self.records.job, job_id)

    async def jobs(self, after: int = 0, limit: int = 50) -> tuple[tuple[Job, ...], int]:
        """Return jobs, newest first, from before position `after`, and how many there are."""
        return await asyncio.to_thread(self.records.jobs, after, limit)

    async def follow(self, job_id: str) -> AsyncGenerator[Job, None]:
        """Yield a job now, whenever it has changed, and last when it is finished; raises NotFound."""
        told: Job | None = None
        while told is None or not told.state.finished:
            job = await self.job(job_id)
            if told is None or replace(job, updated_at=told.updated_at) != told:
                told = job
                yield job
            else:
                await asyncio.sleep(FOLLOW_SECONDS)

    async def wait(self, job_id: str, seconds: float) -> Job:
        """Return a job when it is finished, or as it is after so many seconds; raises NotFound."""
        end = time.monotonic() + seconds
        while True:
            job = await self.job(job_id)
            if job.state.finished or time.monotonic() > end:
                return job
            await asyncio.sleep(WAIT_SECONDS)


def _files_in(release: Release) -> frozenset[str]:
    """Return the ids of files that a release holds: those of its documents begin with them."""
    return frozenset(document.partition(":")[0] for document in release.documents)
