"""What a connection may send: a token bucket, and an end to patience."""

import time
from collections.abc import Callable

from app.services.live.rules import LiveRules, TooManyEvents


class Gate:
    """Counts the events of one connection. Source: the token bucket of RFC 2697, with one colour."""

    def __init__(self, rules: LiveRules, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rules.events_per_second
        self._burst = rules.burst
        self._patience = rules.strikes
        self._clock = clock
        self._tokens = float(rules.burst)
        self._at = clock()
        self._strikes = 0

    @property
    def exhausted(self) -> bool:
        """Tell whether the connection was refused so often in a row that it is to be closed."""
        return self._strikes >= self._patience

    def knock(self) -> None:
        """Take an event in, or raise TooManyEvents."""
        now = self._clock()
        self._tokens = min(float(self._burst), self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            self._strikes += 1
            raise TooManyEvents("connection", max(1.0, 1 / self._rate))
        self._tokens -= 1
        self._strikes = 0
