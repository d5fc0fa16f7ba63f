"""Single flight: equal work asked for at the same time is done once, and everybody hears all of it.

In one process, whoever asks while the work is being done follows it; it goes on as long as anybody listens. Between
processes, a lease lets one of them work on a key at a time. Source: the `singleflight` package of Go's groupcache.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

from app.domain.deadline import remaining
from app.errors import DependencyFailed
from app.ports import Leases

Item = TypeVar("Item")

LEASE_SECONDS = 3.0
"""How long a lease outlives the process that held it."""

WAIT_SECONDS = 10.0
"""How long another process is waited for at most; half of what is left of the request, where that is less."""

_FIRST_LOOK_SECONDS = 0.02
_LONGEST_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Landed(Generic[Item]):
    """The last item of the work: who asks from now on begins anew."""

    item: Item


Work = Callable[[], AsyncGenerator[Item | Landed[Item], None]]


class SingleFlight(Generic[Item]):
    """Does the work for a key once for all who ask while it is being done."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Item]] = {}

    async def join(self, key: str, work: Work[Item]) -> AsyncGenerator[Item, None]:
        """Yield the work's items, from the first on: of work under way, else of work begun here.

        Raises what the work raises. Closing the iterator ends the work where nobody else follows it.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(work, lambda ended: self._forget(key, ended))
        flight.followers += 1
        try:
            async for item in flight.items():
                yield item
        finally:
            flight.followers -= 1
            await flight.left()

    def _forget(self, key: str, flight: "_Flight[Item]") -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class _Flight(Generic[Item]):
    """Work under way, in a task of its own, so that nobody's leaving ends it for the others."""

    def __init__(self, work: Work[Item], ended: Callable[["_Flight[Item]"], None]) -> None:
        self.followers = 0
        self._ended = ended
        self._told: list[Item] = []
        self._over = False
        self._failure: tuple[Exception, TracebackType | None] | None = None
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._fly(work))
        # A task cancelled before its first step runs none of its code.
        self._task.add_done_callback(lambda _task: self._end())

    async def items(self) -> AsyncGenerator[Item, None]:
        """Yield what was and will be told; raise what went wrong."""
        at = 0
        while True:
            news = self._news
            for item in self._told[at:]:
                at += 1
                yield item
            if at < len(self._told):
                continue
            if self._over:
                break
            await news.wait()
        if self._failure is not None:
            error, trace = self._failure
            # One exception for all who wait: without this, its traceback would grow with each of them.
            raise error.with_traceback(trace)

    async def left(self) -> None:
        """Stop the work, and wait until it has stopped, where nobody follows it any longer."""
        if self.followers or self._over:
            return
        self._end()
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _fly(self, work: Work[Item]) -> None:
        try:
            async with aclosing(work()) as items:
                async for item in items:
                    if isinstance(item, Landed):
                        self._tell(item.item)
                        self._end()
                    else:
                        self._tell(item)
        except asyncio.CancelledError:
            self._failure = DependencyFailed("answer", "the work was given up"), None
            raise
        except Exception as error:  # noqa: BLE001 - raised again by everybody who follows
            self._failure = error, error.__traceback__

    def _tell(self, item: Item) -> None:
        self._told.append(item)
        self._wake()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._ended(self)
            self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


@asynccontextmanager
async def leased(
    leases: Leases | None, key: str, *, seconds: float = LEASE_SECONDS, patience: float = WAIT_SECONDS
) -> AsyncIterator[None]:
    """Run the block as the only process that works on a key, as far as that can be had.

    Waits for another process's block at most `patience` seconds; one that was killed, for what is left of its lease.
    """
    owner = uuid.uuid4().hex
    if leases is None or not await _taken(leases, key, owner, seconds, min(patience, remaining(2 * patience) / 2)):
        yield
        return
    renewing = asyncio.create_task(_renew(leases, key, owner, seconds))
    try:
        yield
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewing
        await leases.release(key, owner)


async def _taken(leases: Leases, key: str, owner: str, seconds: float, patience: float) -> bool:
    """Take the lease as soon as it is free; tell whether that was in time."""
    until, look = time.monotonic() + patience, _FIRST_LOOK_SECONDS
    while not await leases.take(key, owner, seconds):
        if time.monotonic() + look > until:
            return False
        await asyncio.sleep(look)
        look = min(_LONGEST_LOOK_SECONDS, 1.5 * look)
    return True


async def _renew(leases: Leases, key: str, owner: str, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds / 3)
        if not await leases.renew(key, owner, seconds):
            return
