"""All that can be done with documents, as one thing to hand to whoever serves people."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from app.domain.documents import Job
from app.services.documents.deletion import Deletion
from app.services.documents.reporting import Reporting
from app.services.documents.running import Runner
from app.services.documents.submission import Candidate, Submission, Submitted


@dataclass(frozen=True)
class DocumentService:
    """Documents and the jobs that take them in and out. Reads are `report`'s."""

    submission: Submission
    deletion: Deletion
    report: Reporting
    runner: Runner

    async def add(self, candidates: Sequence[Candidate]) -> Submitted:
        """Hand files in; raises StoreFailed, DiskFull."""
        return self._woken(await self.submission.add(candidates))

    async def replace(self, file_id: str, candidate: Candidate, revision: int | None = None) -> Submitted:
        """Hand a new version in; raises NotFound, Conflict, StoreFailed, DiskFull."""
        return self._woken(await self.submission.replace(file_id, candidate, revision))

    async def cancel(self, job_id: str) -> Job:
        """Stop a job; what is done stays. Raises NotFound, Conflict."""
        job = await asyncio.to_thread(self.submission.submissions.cancel, job_id)
        self.runner.wake()
        return job

    async def retry(self, job_id: str) -> Job:
        """Try again what a job failed at; raises NotFound, Conflict."""
        job = await asyncio.to_thread(self.submission.submissions.retry, job_id)
        self.runner.wake()
        return job

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run jobs in the background while the block lasts; what its end cuts off is taken up at the next start."""
        task = asyncio.create_task(self.runner.serve(), name="documents")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _woken(self, submitted: Submitted) -> Submitted:
        if submitted.job is not None:
            self.runner.wake()
        return submitted
