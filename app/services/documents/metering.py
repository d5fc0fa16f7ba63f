"""How far a job is, kept for whoever asks: not oftener than twice a second."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.domain.documents import Phase
from app.ports.documents import WorkProgress

log = logging.getLogger("app.documents")

TELL_SECONDS = 0.5


class Meter:
    """Told of passages by an index being built, it tells the catalogue."""

    def __init__(self, progress: WorkProgress, job_id: str) -> None:
        self._progress = progress
        self._job_id = job_id
        self._now: tuple[Phase, tuple[int, int]] = (Phase.EMBEDDING, (0, 0))

    def __call__(self, done: int, total: int) -> None:
        """Note how many passages are embedded; may be called from any thread."""
        self._now = (Phase.PUBLISHING if done >= total else Phase.EMBEDDING, (done, total))

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Tell while the block runs; the work does not fail because it cannot be told of."""
        task = asyncio.create_task(self._tell())
        try:
            yield
        finally:
            task.cancel()
            [ended] = await asyncio.gather(task, return_exceptions=True)
            if isinstance(ended, Exception):
                log.warning("progress_not_kept", extra={"job": self._job_id, "why": str(ended)})

    async def _tell(self) -> None:
        told = None
        while True:
            if told != self._now:
                told = self._now
                await asyncio.to_thread(self._progress.report, self._job_id, *told)
            await asyncio.sleep(TELL_SECONDS)
