"""Requests that MongoDB has not answered yet: where several wait and nothing comes back, the server is gone.

A breaker alone learns that from the first time limit that passes. Until then every question would wait it out, and hold
one of the few places for questions in work.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

_SECONDS = 0.25
_TIMES = 4
_LEAST = 5
_MEMORY = 0.1


class Limit(Protocol):
    """A time limit of asyncio's."""

    def expired(self) -> bool:
        """Tell whether it has run out."""
        ...

    def reschedule(self, when: float) -> None:
        """Let it run out at another time of the loop's clock."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    ticket: int
    since: float
    limit: Limit


class Waiting:
    """The requests of one client that wait for the server; `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._requests: set[_Request] = set()
        self._answered_at = clock()
        self._usual = 0.0

    @contextmanager
    def one(self, ticket: int, limit: Limit) -> Iterator[None]:
        """Count a request as waiting, under its breaker's ticket and its time limit."""
        request = _Request(ticket, self._clock(), limit)
        self._requests.add(request)
        try:
            yield
            self._usual += _MEMORY * (self._clock() - request.since - self._usual)
        finally:
            self._requests.discard(request)

    def answered(self) -> None:
        """Note that the server has answered something."""
        self._answered_at = self._clock()

    def given_up(self) -> list[int]:
        """Let go of all that wait, where five have waited without any answer; return their tickets.

        How long: 0.25 s, or four times what a request takes here (a moving average). A server that is merely slow
        answers one of them now and then.
        """
        began = self._clock() - max(_SECONDS, _TIMES * self._usual)
        late = [one for one in self._requests if self._answered_at < one.since <= began]
        if len(late) < _LEAST:
            return []
        for request in self._requests:
            if not request.limit.expired():
                request.limit.reschedule(0)
        return [request.ticket for request in late]
