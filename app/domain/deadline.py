"""The time a request may take, shared by everything that is done for it.

Whoever starts a request sets its end once; every hop below asks what is left instead of having a limit of its own that
would add to the others'.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_end: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give the block `seconds`, with all tasks begun in it; an earlier end that is set already stays."""
    end, outer = time.monotonic() + seconds, _end.get()
    token = _end.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _end.reset(token)


def remaining(default: float) -> float:
    """Return the seconds left for the request at hand, never below 0; `default` where nobody set an end."""
    end = _end.get()
    return default if end is None else max(0.0, end - time.monotonic())
