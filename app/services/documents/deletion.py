"""Taking documents out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from app.domain.documents import FileFilter, Job
from app.errors import InvalidInput, NotFound
from app.ports.documents import Submissions


@dataclass(frozen=True)
class Deletion:
    """Marks documents as deleted and wakes who takes them out of the index."""

    submissions: Submissions
    wake: Callable[[], None]

    async def one(self, file_id: str) -> Job:
        """Delete a document; raises NotFound."""
        job, _ = await self._delete(FileFilter(ids=frozenset({file_id})))
        if job is None:
            raise NotFound("document")
        return job

    async def many(self, chosen: FileFilter) -> tuple[Job | None, int]:
        """Delete all documents meant; return the job and their number, which may be none.

        Raises InvalidInput for a filter that means everything.
        """
        if chosen.empty:
            raise InvalidInput("query", "needs at least one of name, origin, state and metadata")
        return await self._delete(chosen)

    async def _delete(self, chosen: FileFilter) -> tuple[Job | None, int]:
        found = await asyncio.to_thread(self.submissions.delete, chosen)
        self.wake()
        return found
