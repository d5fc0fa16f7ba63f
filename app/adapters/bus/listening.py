"""Listening to Redis: one connection for all channels of this instance, made anew whenever it is lost."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

_CONFIRM_SECONDS = 0.5
_AGAIN_SECONDS = 0.5
_PING_SECONDS = 2.0
_MOST_SILENT = 3
_ALWAYS = "itsupport:live:all"
"""A channel nobody tells anything: a connection without any channel could not be read."""

logger = logging.getLogger(__name__)


class Listening:
    """Keeps this instance subscribed to the channels it wants, and calls `hear` with what is told there.

    `missed` is called after every time something may have been told without being heard.
    """

    def __init__(self, client: Any, hear: Callable[[str, bytes], None], missed: Callable[[], None]) -> None:
        self._client = client
        self._hear = hear
        self._missed = missed
        self._wanted: dict[str, asyncio.Event] = {}
        self._pubsub: Any = None
        self._doubted = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to listen."""
        self._spawn(self._run())

    async def close(self) -> None:
        """End listening."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CONFIRM_SECONDS):
                await self._client.aclose()

    def has(self, name: str) -> bool:
        """Tell whether Redis counts this instance among the channel's listeners."""
        heard = self._wanted.get(name)
        return heard is not None and heard.is_set()

    async def add(self, name: str) -> None:
        """Subscribe; return when Redis has confirmed it, or has not in time. Who waits for Redis to be back is told."""
        if name not in self._wanted:
            self._wanted[name] = asyncio.Event()
            self._spawn(self._order("subscribe", name))
        if self._pubsub is None or self._doubted:
            return
        try:
            async with asyncio.timeout(_CONFIRM_SECONDS):
                await self._wanted[name].wait()
        except TimeoutError:
            # Nobody waits for a frozen Redis a second time, until it has said something.
            self._doubted = True

    def remove(self, name: str) -> None:
        """Unsubscribe, soon."""
        if self._wanted.pop(name, None) is not None:
            self._spawn(self._order("unsubscribe", name))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _order(self, what: str, name: str) -> None:
        """Send a subscription; where that fails, the next connection begins with what is wanted by then."""
        pubsub = self._pubsub
        # Orders wait for one another: what was wanted last is what counts.
        if pubsub is None or (what == "subscribe") != (name in self._wanted):
            return
        with contextlib.suppress(Exception):
            await getattr(pubsub, what)(name)

    async def _run(self) -> None:
        while True:
            pubsub = self._client.pubsub()
            try:
                await self._listen(pubsub)
            except Exception as error:  # noqa: BLE001 - whatever Redis says, it is tried again
                logger.warning("live bus not heard", extra={"error": type(error).__name__})
            finally:
                self._pubsub = None
                with contextlib.suppress(Exception):
                    await pubsub.aclose()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self, pubsub: Any) -> None:
        for heard in self._wanted.values():
            heard.clear()
        await pubsub.subscribe(_ALWAYS, *self._wanted)
        self._pubsub = pubsub
        silent = 0
        while silent < _MOST_SILENT:
            message = await pubsub.get_message(ignore_subscribe_messages=False, timeout=_PING_SECONDS)
            if message is None:
                silent += 1
                await pubsub.ping()
            else:
                silent = 0
                self._take(message)
        raise ConnectionError("no answer to pings")

    def _take(self, message: dict[str, Any]) -> None:
        self._doubted = False
        name = (message["channel"] or b"").decode()
        if message["type"] == "message":
            self._hear(name, message["data"])
        elif message["type"] == "subscribe":
            if name == _ALWAYS:
                self._missed()
            elif name in self._wanted:
                self._wanted[name].set()
