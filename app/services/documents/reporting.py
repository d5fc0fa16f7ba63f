"""Telling how documents and jobs are."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Final

from app.domain.documents import FileFilter, FileRecord, Job
from app.ports.documents import RawFiles, Records

FOLLOW_SECONDS: Final = 0.25
WAIT_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Reporting:
    """Reads the catalogue; every method raises StoreFailed where that cannot be done."""

    records: Records
    raw: RawFiles

    async def file(self, file_id: str) -> FileRecord:
        """Return a document's record; raises NotFound."""
        record, _ = await asyncio.to_thread(self.records.file, file_id)
        return record

    async def content(self, file_id: str) -> tuple[FileRecord, bytes]:
        """Return a document's record and what was sent; raises NotFound."""
        record, key = await asyncio.to_thread(self.records.file, file_id)
        return record, await asyncio.to_thread(self.raw.read, key)

    async def files(self, chosen: FileFilter, after: int = 0, limit: int = 50) -> tuple[tuple[FileRecord, ...], int]:
        """Return documents, newest first, from before position `after`, and how many are meant in all."""
        return await asyncio.to_thread(self.records.files, chosen, after, limit)

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
