"""A circuit breaker: after several failures in a row, nothing is tried for a while, then one call is."""

from collections.abc import Callable


class Breaker:
    """Says whether a call may be made, and learns from what came of it.

    `admit` gives a ticket, to be handed back to `succeeded`, `failed` or `abandoned`. A result that comes after the
    breaker has changed its mind is ignored. `limit` failures in a row open it for `open_seconds`; every probe that
    fails doubles that, up to `longest_seconds` (None: it stays the same). `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        limit: int = 5,
        open_seconds: float = 2.0,
        longest_seconds: float | None = None,
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._open_seconds = open_seconds
        self._longest_seconds = longest_seconds or open_seconds
        self._wait = open_seconds
        self._failures = 0
        self._retry_at: float | None = None
        self._probing = False
        self._epoch = 0
        self.openings = 0
        """How many outages there were; a probe that fails prolongs one."""

    def admit(self) -> int | None:
        """Return a ticket for a call, or None where none may be made now."""
        if self._retry_at is None:
            return self._epoch
        if self._probing or self._clock() < self._retry_at:
            return None
        self._probing = True
        self._epoch += 1
        return self._epoch

    def succeeded(self, ticket: int) -> bool:
        """Note a call that worked; tell whether it ended an outage."""
        if ticket != self._epoch:
            return False
        ended = self._probing
        self._failures, self._probing, self._retry_at = 0, False, None
        self._wait = self._open_seconds
        return ended

    def failed(self, ticket: int) -> bool:
        """Note a call that failed; tell whether it began an outage."""
        if ticket != self._epoch:
            return False
        self._failures += 1
        if not self._probing and self._failures < self._limit:
            return False
        began = not self._probing
        self.openings += began
        self._wait = self._open_seconds if began else min(self._longest_seconds, 2 * self._wait)
        self._probing = False
        self._retry_at = self._clock() + self._wait
        self._epoch += 1
        return began

    def abandoned(self, ticket: int) -> None:
        """Note a call that was given up before anything came of it; where it was the probe, the next call is."""
        if ticket == self._epoch:
            self._probing = False
