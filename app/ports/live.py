"""Seams to what joins instances in real time: what was told is kept for a while, and heard by whoever listens.

No method raises: where something outside fails, what this process tells is still heard in this process.
"""

from collections.abc import Callable
from typing import Protocol

from app.domain.live import LiveEvent

Hear = Callable[[LiveEvent | None], None]
"""Called with what was told to a channel; with None where something may have been missed. It must not block."""

Leave = Callable[[], None]


class EventLog(Protocol):
    """Keeps the events of questions for some minutes, as many as there is room for."""

    async def append(self, channel: str, event: LiveEvent) -> None:
        """Keep an event and tell it to the channel; returns once an end is where other instances find it."""
        ...

    async def read(self, run: str, after: int) -> tuple[LiveEvent, ...]:
        """Return the events of a question after a sequence number, in order; nothing where they are forgotten."""
        ...


class Channels(Protocol):
    """Carries what is told on one instance to all."""

    async def subscribe(self, channel: str, hear: Hear) -> Leave:
        """Hear from now on what any instance tells a channel; return what ends that."""
        ...

    async def tell(self, channel: str, event: LiveEvent) -> None:
        """Tell a channel something that is not kept."""
        ...

    async def audience(self, channel: str) -> int:
        """Return how many other instances listen to a channel; 0 where nobody can tell."""
        ...


class EventBus(EventLog, Channels, Protocol):
    """Both in one."""
