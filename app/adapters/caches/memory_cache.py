"""Answers in this process's memory: the default where no Redis is named."""

import time
from collections import OrderedDict
from collections.abc import Callable

from app.adapters.caches.limits import MAX_VALUE_BYTES, lifetime


class MemoryCache:
    """A ResponseCache of at most `max_entries` values; the one not used for longest goes first."""

    def __init__(self, max_entries: int, ttl_seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_entries = max_entries
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        """Return what was put under this key and has not expired."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock() >= entry[0]:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry[1]

    async def put(self, key: str, value: bytes) -> None:
        """Keep a value for the cache's time to live; one over 256 KiB is not kept."""
        if len(value) > MAX_VALUE_BYTES:
            return
        self._entries[key] = (self._clock() + lifetime(self._ttl_seconds, key), value)
        self._entries.move_to_end(key)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
