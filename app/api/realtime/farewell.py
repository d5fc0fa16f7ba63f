"""A good-bye before the server ends: it closes WebSockets first of all, so they must be told before it knows.

uvicorn tells the application of its end after the connections are closed. So the signal is caught on its way, what
there is to say is said, and then the signal is handed on.
"""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_MOST_SECONDS = 6.0


@contextmanager
def before_exit(farewell: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Have `farewell` awaited, for 6 s at most, before a signal to end reaches the server; a second one does at once.

    Where this is not the main thread, whoever runs the loop ends it in its own way.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handing = _Handing(farewell, asyncio.get_running_loop())
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handing.before = before
    for number, handler in before.items():
        if callable(handler):
            signal.signal(number, handing.caught)
    try:
        yield
    finally:
        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, handler)


class _Handing:
    """Holds a signal back until the farewell is over."""

    def __init__(self, farewell: Callable[[], Awaitable[None]], loop: asyncio.AbstractEventLoop) -> None:
        self.before: dict[signal.Signals, Any] = {}
        self._farewell = farewell
        self._loop = loop
        self._task: asyncio.Task[None] | None = None

    def caught(self, number: int, frame: FrameType | None) -> None:
        """Begin the farewell; hand the signal on afterwards."""
        if self._task is not None or not self._loop.is_running():
            self.before[signal.Signals(number)](number, frame)
            return
        self._loop.call_soon_threadsafe(self._begin, number)

    def _begin(self, number: int) -> None:
        self._task = self._loop.create_task(self._say(number))

    async def _say(self, number: int) -> None:
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MOST_SECONDS):
                    await self._farewell()
        finally:
            self.before[signal.Signals(number)](number, None)
