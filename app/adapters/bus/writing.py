"""Writing to Redis in the order things were told, many at a time, without anybody waiting for it."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from app.domain.breaker import Breaker

_BATCH = 300
_BATCH_SECONDS = 0.5
_FLUSH_SECONDS = 0.5
_MOST_WAITING = 30_000
_TOO_LATE = "equal or smaller"

logger = logging.getLogger(__name__)

Channel = str


@dataclass(frozen=True, slots=True)
class Command:
    """One command of Redis."""

    words: tuple[str | int, ...]


class Writer:
    """Sends commands in order. What cannot be sent is dropped: clients elsewhere read the log, or ask anew."""

    def __init__(self, client: Any, breaker: Breaker) -> None:
        self._client = client
        self._breaker = breaker
        self._waiting: deque[Command] = deque(maxlen=_MOST_WAITING)
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0
        """How many commands were not sent."""

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Send what waits, as far as that is quick, and end."""
        await self.flush()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def put(self, command: Command) -> None:
        """Have a command sent."""
        self._waiting.append(command)
        self._idle.clear()
        self._news.set()

    async def flush(self) -> None:
        """Return when everything was sent, or has not been in time."""
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            logger.debug("live bus is slow")

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                await self._send(batch)
            self._idle.set()

    async def _send(self, batch: list[Command]) -> None:
        ticket = self._breaker.admit()
        if ticket is None:
            self.dropped += len(batch)
            return
        try:
            async with asyncio.timeout(_BATCH_SECONDS):
                pipeline = self._client.pipeline(transaction=False)
                for command in batch:
                    pipeline.execute_command(*command.words)
                replies = await pipeline.execute(raise_on_error=False)
        except Exception as error:  # noqa: BLE001 - whatever Redis says, what is told here goes on
            self.dropped += len(batch)
            if self._breaker.failed(ticket):
                logger.warning("live bus given up for a while", extra={"error": type(error).__name__})
            return
        self._settle(ticket, replies)

    def _settle(self, ticket: int, replies: list[Any]) -> None:
        # What an attempt that was given up still tells is refused: so it shall be.
        refused = [reply for reply in replies if isinstance(reply, ResponseError) and _TOO_LATE not in str(reply)]
        self.dropped += len(refused)
        if refused and self._breaker.failed(ticket):
            logger.warning("live bus given up for a while", extra={"error": type(refused[0]).__name__})
        elif not refused and self._breaker.succeeded(ticket):
            logger.info("live bus in use again")
