"""What waits to be sent to one connection: bounded, each event once and in order, gaps filled from the log."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator

from app.domain.live import LiveEvent
from app.ports.live import EventLog

_MOST_SEEN = 256


class Inbox:
    """Takes events as they are told and gives them out in order.

    What there is no room for is not kept here: it is read from the log once the reader has caught up. So a slow reader
    costs a bounded amount of memory and misses nothing that is still in the log.
    """

    def __init__(self, log: EventLog, most: int) -> None:
        self._log = log
        self._most = most
        self._waiting: deque[LiveEvent] = deque()
        self._behind: dict[str, None] = {}
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._news = asyncio.Event()
        self._closed = False

    def expect(self, run: str, after: int) -> None:
        """Give out of a question what follows a sequence number."""
        self._note(run, 0, after)

    def look_up(self, run: str) -> None:
        """Have the log read for what was missed."""
        self._behind[run] = None
        self._news.set()

    def put(self, event: LiveEvent) -> None:
        """Take an event; without a number it is given out as it is, or dropped where there is no room."""
        if len(self._waiting) < self._most:
            self._waiting.append(event)
        elif event.sequence:
            self._behind[event.run] = None
        self._news.set()

    def put_last(self, event: LiveEvent | None) -> None:
        """Take the last event there will be, room or not; after it nothing is given out."""
        if event is not None:
            self._waiting.append(event)
        self._closed = True
        self._news.set()

    async def events(self) -> AsyncGenerator[LiveEvent, None]:
        """Yield what there is, and what comes, until the last one."""
        while True:
            self._news.clear()
            while self._waiting or self._behind:
                if self._waiting:
                    for event in await self._ordered(self._waiting.popleft()):
                        yield event
                else:
                    run = next(iter(self._behind))
                    del self._behind[run]
                    for event in await self._missed(run):
                        yield event
            if self._closed:
                return
            await self._news.wait()

    async def _ordered(self, event: LiveEvent) -> list[LiveEvent]:
        """Return an event with what is missing before it; nothing where it was given out, or its attempt is over."""
        if not event.sequence:
            return [event]
        attempt, seen = self._seen.get(event.run, (0, 0))
        if event.sequence <= seen or event.attempt < attempt:
            return []
        missed = [] if event.sequence == seen + 1 else await self._missed(event.run)
        if event.sequence <= self._seen.get(event.run, (0, 0))[1]:
            return missed
        self._note(event.run, event.attempt, event.sequence)
        return [*missed, event]

    async def _missed(self, run: str) -> list[LiveEvent]:
        attempt, seen = self._seen.get(run, (0, 0))
        missed = [event for event in await self._log.read(run, seen) if event.attempt >= attempt]
        if missed:
            self._note(run, missed[-1].attempt, missed[-1].sequence)
        return missed

    def _note(self, run: str, attempt: int, sequence: int) -> None:
        self._seen[run] = (attempt, sequence)
        self._seen.move_to_end(run)
        while len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)
