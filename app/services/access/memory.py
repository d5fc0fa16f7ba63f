"""What this process knows of sessions and keys, so that a store is asked about each of them once a second at most."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

FRESH_SECONDS = 0.9
"""How long what a store said is taken for the truth: what was revoked is refused within a second."""
GRACE_SECONDS = 300.0
"""How long it is taken for the truth while the store cannot be asked."""
MOST = 20_000

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memory(Generic[Key, Value]):
    """Values with the time at which a store vouched for them; the ones not asked for longest are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._held: OrderedDict[Key, tuple[Value, float]] = OrderedDict()

    def fresh(self, key: Key) -> Value | None:
        """Return what a store said less than a second ago."""
        return self._within(key, FRESH_SECONDS)

    def recent(self, key: Key) -> Value | None:
        """Return what a store said in the last five minutes."""
        return self._within(key, GRACE_SECONDS)

    def now(self) -> float:
        """Return the time, to be handed to `keep` with what was asked for then."""
        return self._clock()

    def keep(self, key: Key, value: Value, at: float | None = None) -> None:
        """Note what a store said, now or when it was asked."""
        self._held[key] = (value, self._clock() if at is None else at)
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def amend(self, key: Key, value: Value) -> None:
        """Put another value in the place of the one there is, which gets no newer by that."""
        if key in self._held:
            self._held[key] = (value, self._held[key][1])

    def forget(self, key: Key) -> None:
        """Forget a key."""
        self._held.pop(key, None)

    def forget_where(self, condition: Callable[[Value], bool]) -> None:
        """Forget all values a condition holds for."""
        for key in [key for key, (value, _) in self._held.items() if condition(value)]:
            del self._held[key]

    def _within(self, key: Key, seconds: float) -> Value | None:
        value, at = self._held.get(key, (None, 0.0))
        return value if value is not None and self._clock() - at <= seconds else None
