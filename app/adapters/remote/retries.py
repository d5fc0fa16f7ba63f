"""When to try again: full jitter (Brooker, "Exponential Backoff And Jitter", AWS 2015) and a budget for all calls."""

import math
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

_BASE_SECONDS = 0.5
_CAP_SECONDS = 8.0
_LONGEST_SECONDS = 3_600.0
_MILLISECONDS = 1_000


class RetryBudget:
    """A token bucket: every call puts `share` of a retry in, every retry takes one out; `burst` fit, and are there.

    While a server is ill, retries are what keeps it so: the bucket bounds them, whatever single calls would like.
    """

    def __init__(self, share: float, burst: int) -> None:
        self._share = share
        self._burst = float(burst)
        self._tokens = float(burst)

    def called(self) -> None:
        """Note a call, not counting its retries."""
        self._tokens = min(self._burst, self._tokens + self._share)

    def take(self) -> bool:
        """Take a retry out, if there is one."""
        # Ten times a tenth is a little less than one.
        if self._tokens < 1 - 1e-9:
            return False
        self._tokens -= 1
        return True


def pause(attempt: int, asked: float | None, uniform: Callable[[float, float], float]) -> float:
    """Return the seconds to wait after failed attempt number `attempt` (from 0), not less than was `asked` for."""
    jitter = uniform(0.0, min(_CAP_SECONDS, _BASE_SECONDS * 2.0 ** min(attempt, 10)))
    return jitter if asked is None else asked + jitter


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a server asks for, by `retry-after-ms` or `Retry-After`; None where it says nothing usable."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / _MILLISECONDS, _LONGEST_SECONDS)
    said = headers.get("retry-after")
    seconds = _number(said)
    if seconds is None:
        seconds = _until(said, headers.get("date"))
    return None if seconds is None else min(seconds, _LONGEST_SECONDS)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(text: str | None, date: str | None) -> float | None:
    """Return the seconds from now to an HTTP date; the server's own clock says what now is, where it tells."""
    then, now = _timestamp(text), _timestamp(date)
    if then is None:
        return None
    return max(0.0, then - (time.time() if now is None else now))


def _timestamp(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
