"""Live events through Redis, so that several instances are one service.

Each question's events are a stream, whose ids are `attempt-sequence`: Redis itself refuses what an instance that was
believed dead still tells of an attempt that was given up. A channel is a Redis channel. What this process tells is
heard in this process at once, whatever Redis does.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from redis.exceptions import RedisError

from app.adapters.bus.listening import Listening
from app.adapters.bus.memory_bus import KEPT_SECONDS, MemoryBus
from app.adapters.bus.wire import dump, load
from app.adapters.bus.writing import Channel, Command, Writer
from app.domain.breaker import Breaker
from app.domain.live import LiveEvent, in_order
from app.errors import DependencyUnreachable
from app.ports.live import Hear, Leave
from app.redis_clients import redis_client

_VARIABLE = "REDIS_URL"
_CALL_SECONDS = 0.25
_OPEN_SECONDS = 3.0
_MOST_EVENTS = 4000
# What a garbled Redis may make the client raise: it is no Redis, or its replies are not those that were asked for.
FAILURES = (RedisError, OSError, EOFError, ValueError, TypeError, LookupError, AttributeError)

logger = logging.getLogger(__name__)


class RedisBus:
    """An EventBus over Redis; use it as a context manager. Where Redis fails, each instance is one by itself."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "itsupport:live:",
        kept_seconds: float = KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.instance = uuid.uuid4().hex
        self._prefix = prefix
        self._kept_ms = int(kept_seconds * 1000)
        self._memory = MemoryBus(kept_seconds=kept_seconds, clock=clock)
        self._reading = Breaker(clock)
        self._client = redis_client(url, _CALL_SECONDS)
        self._writer = Writer(self._client, Breaker(clock))
        self._listening = Listening(redis_client(url, _CALL_SECONDS), self._hear, self._missed)

    async def __aenter__(self) -> Self:
        """Connect; raises DependencyUnreachable."""
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                await self._client.ping()
        except FAILURES as error:
            await self._client.aclose()
            raise DependencyUnreachable(_VARIABLE, f"no answer ({type(error).__name__})") from error
        self._writer.start()
        self._listening.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listening.close()
        await self._writer.close()
        with contextlib.suppress(*FAILURES):
            async with asyncio.timeout(_CALL_SECONDS):
                await self._client.aclose()

    async def append(self, channel: str, event: LiveEvent) -> None:
        """Keep an event and tell it: here at once, to other instances soon after; an end has reached them."""
        await self._memory.append(channel, event)
        key = self._prefix + event.run
        told = dump(event, self.instance)
        place = f"{event.attempt}-{event.sequence}"
        self._writer.put(Command(("XADD", key, "MAXLEN", "~", _MOST_EVENTS, place, "event", told)))
        self._writer.put(Command(("PEXPIRE", key, self._kept_ms)))
        self._writer.put(Command(("PUBLISH", self._name(channel), told)))
        if event.ends:
            await self._writer.flush()

    async def read(self, run: str, after: int) -> tuple[LiveEvent, ...]:
        """Return what this instance and Redis keep of a question."""
        here = list(self._memory.kept(run))
        rows = await self._ask("XRANGE", self._prefix + run, "-", "+", "COUNT", 2 * _MOST_EVENTS) or []
        return in_order(here + _events(rows), after)

    async def subscribe(self, channel: str, hear: Hear) -> Leave:
        """Hear what any instance tells; returns once Redis has said so, or has not in time."""
        leave = await self._memory.subscribe(channel, hear)
        await self._listening.add(self._name(channel))

        def left() -> None:
            leave()
            if channel not in self._memory.heard():
                self._listening.remove(self._name(channel))

        return left

    async def tell(self, channel: str, event: LiveEvent) -> None:
        """Tell a channel something that is not kept."""
        self._memory.spread(channel, event)
        self._writer.put(Command(("PUBLISH", self._name(channel), dump(event, self.instance))))

    async def audience(self, channel: str) -> int:
        """Return how many other instances listen."""
        reply = await self._ask("PUBSUB", "NUMSUB", self._name(channel))
        try:
            there = int(reply[1]) if reply else 0
        except FAILURES:
            return 0
        return max(0, there - self._listening.has(self._name(channel)))

    def _name(self, channel: str) -> Channel:
        return f"{self._prefix}channel:{channel}"

    def _hear(self, name: Channel, raw: bytes) -> None:
        """Hand on what another instance told; what this one did was heard when it was told."""
        try:
            event, teller = load(raw)
        except ValueError:
            logger.warning("live_event_unreadable")
            return
        if teller != self.instance:
            self._memory.spread(name.removeprefix(f"{self._prefix}channel:"), event)

    def _missed(self) -> None:
        """Say everybody that something may have been told while Redis was away."""
        for channel in self._memory.heard():
            self._memory.spread(channel, None)

    async def _ask(self, *command: Any) -> Any:
        """Return the reply to a command; None where Redis fails, or is not asked because it has lately."""
        ticket = self._reading.admit()
        if ticket is None:
            return None
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                reply = await self._client.execute_command(*command)
        except asyncio.CancelledError:
            self._reading.abandoned(ticket)
            raise
        except FAILURES as error:
            if self._reading.failed(ticket):
                logger.warning("live bus given up for a while", extra={"error": type(error).__name__})
            return None
        self._reading.succeeded(ticket)
        return reply


def _events(rows: Any) -> list[LiveEvent]:
    """Return the events in the rows of a stream; what is none is left out."""
    found = []
    for row in rows if isinstance(rows, list) else []:
        try:
            _place, fields = row
            found.append(load(fields[b"event"] if isinstance(fields, dict) else fields[1])[0])
        except FAILURES:
            logger.warning("live_event_unreadable")
    return found
