"""Live events in this process's memory: kept for some minutes within a bound, heard at once."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.domain.live import LiveEvent, in_order
from app.ports.live import Hear, Leave

KEPT_SECONDS = 180.0
"""How long events are kept after the last one of their question."""

_EVENT_BYTES = 300
"""What an event takes beside its data, roughly."""


@dataclass
class _Kept:
    touched: float
    events: list[LiveEvent] = field(default_factory=list)
    size: int = 0


class MemoryBus:
    """An EventBus of one process. It never fails; what is oldest is forgotten first where there is no room."""

    def __init__(
        self,
        *,
        kept_seconds: float = KEPT_SECONDS,
        most_bytes: int = 64 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept_seconds = kept_seconds
        self._most_bytes = most_bytes
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._hearing: dict[str, list[Hear]] = {}
        self.size = 0
        """How many bytes all events take, roughly."""

    async def append(self, channel: str, event: LiveEvent) -> None:
        """Keep an event and tell it."""
        self.keep(event)
        self.spread(channel, event)

    async def read(self, run: str, after: int) -> tuple[LiveEvent, ...]:
        """Return the events of a question after a sequence number."""
        self._forget()
        return in_order(list(self.kept(run)), after)

    async def subscribe(self, channel: str, hear: Hear) -> Leave:
        """Hear what is told; leaving twice does nothing."""
        self._hearing.setdefault(channel, []).append(hear)
        return lambda: self._left(channel, hear)

    async def tell(self, channel: str, event: LiveEvent) -> None:
        """Tell a channel something that is not kept."""
        self.spread(channel, event)

    async def audience(self, channel: str) -> int:  # noqa: ARG002 - the port has it
        """Return 0: there are no other instances."""
        return 0

    def keep(self, event: LiveEvent) -> None:
        """Keep an event, and forget what is too old or too much."""
        kept = self._kept.setdefault(event.run, _Kept(0.0))
        kept.touched = self._clock()
        kept.events.append(event)
        grown = len(event.data) + _EVENT_BYTES
        kept.size += grown
        self.size += grown
        self._kept.move_to_end(event.run)
        self._forget()

    def kept(self, run: str) -> Sequence[LiveEvent]:
        """Return what is kept of a question, as it came."""
        found = self._kept.get(run)
        return found.events if found else ()

    def spread(self, channel: str, event: LiveEvent | None) -> None:
        """Tell something to whoever listens to a channel in this process."""
        for hear in tuple(self._hearing.get(channel, ())):
            hear(event)

    def heard(self) -> tuple[str, ...]:
        """Return the channels somebody listens to."""
        return tuple(self._hearing)

    def _left(self, channel: str, hear: Hear) -> None:
        hearing = self._hearing.get(channel, [])
        if hear in hearing:
            hearing.remove(hear)
        if not hearing:
            self._hearing.pop(channel, None)

    def _forget(self) -> None:
        oldest = self._clock() - self._kept_seconds
        while self._kept:
            run, kept = next(iter(self._kept.items()))
            if kept.touched >= oldest and self.size <= self._most_bytes:
                return
            del self._kept[run]
            self.size -= kept.size
