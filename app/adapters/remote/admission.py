"""So many at once, so many waiting, and nobody beyond."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.adapters.remote.limits import NAME, Budget
from app.errors import Overloaded


class Gate:
    """Lets `concurrency` calls in and `waiting` more wait; the next is refused before any work."""

    def __init__(self, concurrency: int, waiting: int) -> None:
        self._places = asyncio.Semaphore(concurrency)
        self._most = concurrency + waiting
        self.inside = 0
        """How many are in or wait."""

    @asynccontextmanager
    async def place(self, budget: Budget) -> AsyncIterator[None]:
        """Hold a place for the block. Raises Overloaded where none is to be had, or not in time."""
        if self.inside >= self._most:
            raise Overloaded(NAME)
        self.inside += 1
        try:
            await self._entered(budget)
            try:
                yield
            finally:
                self._places.release()
        finally:
            self.inside -= 1

    async def _entered(self, budget: Budget) -> None:
        try:
            async with asyncio.timeout(budget.left()):
                await self._places.acquire()
        except TimeoutError as error:
            raise Overloaded(NAME) from error
