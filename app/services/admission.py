"""Admission: how much is worked on at once, how much may wait, and when to refuse instead.

Under overload a service that takes everything finishes nothing in time. Source: "Handling Overload" and "Addressing
Cascading Failures", Site Reliability Engineering (Beyer et al., 2016).
"""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from app.errors import Overloaded

_FEWEST_INTERVALS = 8
_ROUNDS = 2
"""Over how many ends of work, for each place, their interval is taken: what runs in batches also ends in batches."""

_EXPECTED_SHARE = 0.25
"""How much of the longest wait may be expected: the rest is for work that turns out slower than it was lately.

With half of it, 5 to 15 % of the refusals came only after the longest wait while other programs took most of the
machine.
"""


class Admission:
    """A number of places, and a queue in front of them, first come first served.

    `places` are in work at once and `queue` may wait, none longer than `longest_wait` seconds. Who would wait longer
    than a quarter of that, as fast as places have become free lately, is refused at once instead of in the end; so is
    everybody while the first of the queue has waited that long: then places become free slower than lately.
    """

    def __init__(
        self, places: int, queue: int, longest_wait: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free = places
        self._queue = queue
        self._longest_wait = longest_wait
        self._clock = clock
        self._waiting: OrderedDict[asyncio.Future[None], float] = OrderedDict()
        self._intervals = deque[float](maxlen=max(_FEWEST_INTERVALS, _ROUNDS * places))
        self._between = 0.0
        self._left_at: float | None = None
        self.refused = 0
        """How many were refused so far."""

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    async def enter(self) -> None:
        """Return once there is a place, to be given back by `leave`; raises Overloaded where there is no room."""
        if self._free and not self._waiting:
            self._free -= 1
            return
        if (refusal := self.refusal()) is not None:
            raise refusal
        place = asyncio.get_running_loop().create_future()
        self._waiting[place] = self._clock()
        try:
            async with asyncio.timeout(self._longest_wait):
                await place
        except TimeoutError:
            if not self._given(place):
                raise self._refusal(self._longest_wait) from None
        except asyncio.CancelledError:
            if self._given(place):
                self.leave()
            raise

    def refusal(self) -> Overloaded | None:
        """Return the refusal of whoever comes now, counted as one; None where there is a place, or room to wait."""
        if self._free and not self._waiting:
            return None
        interval = self._between / max(1, len(self._intervals))
        expected = max((len(self._waiting) + 1) * interval, self._waited())
        if len(self._waiting) < self._queue and expected <= _EXPECTED_SHARE * self._longest_wait:
            return None
        return self._refusal(expected)

    def leave(self) -> None:
        """Give a place back: to whoever has waited longest, if anybody waits."""
        self._learn()
        while self._waiting:
            place, _ = self._waiting.popitem(last=False)
            # One that is cancelled has not run since, or it would have taken itself out.
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def _given(self, place: "asyncio.Future[None]") -> bool:
        """Tell whether a place came just when its owner stopped waiting; if not, take the owner out of the queue."""
        if place.done() and not place.cancelled():
            return True
        self._waiting.pop(place, None)
        return False

    def _waited(self) -> float:
        """Return for how many seconds the first of the queue has waited."""
        return self._clock() - next(iter(self._waiting.values())) if self._waiting else 0.0

    def _learn(self) -> None:
        # Between ends of work while a place was free, it is the askers that were slow.
        now = None if self._free else self._clock()
        if now is not None and self._left_at is not None:
            if len(self._intervals) == self._intervals.maxlen:
                self._between -= self._intervals.popleft()
            self._intervals.append(now - self._left_at)
            self._between += self._intervals[-1]
        self._left_at = now

    def _refusal(self, expected: float) -> Overloaded:
        self.refused += 1
        return Overloaded("service", max(1.0, math.ceil(expected)))
