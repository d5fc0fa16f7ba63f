"""Calls to a store that may hang: bounded in time, and not made at all for a while where they keep failing."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.domain.breaker import Breaker
from app.errors import StoreFailed

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class Guard:
    """Bounds calls to one store to `seconds` each; after five failures in a row none is made for 2 s, then one is."""

    def __init__(self, name: str, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._seconds = seconds
        self._breaker = Breaker(clock)

    async def call(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Return what the store returns; raises StoreFailed, at the latest when the time is over."""
        ticket = self._breaker.admit()
        if ticket is None:
            raise StoreFailed(self._name, "given up for a while")
        try:
            async with asyncio.timeout(self._seconds):
                result = await work()
        except (StoreFailed, TimeoutError) as error:
            self._note(ticket)
            raise StoreFailed(self._name, str(error) or "no answer in time") from error
        except BaseException:
            # Neither of the store's failures: the caller left, or it was told no.
            self._breaker.abandoned(ticket)
            raise
        if self._breaker.succeeded(ticket):
            logger.info("store in use again", extra={"store": self._name})
        return result

    def _note(self, ticket: int) -> None:
        if self._breaker.failed(ticket):
            logger.warning("store given up for a while", extra={"store": self._name})
