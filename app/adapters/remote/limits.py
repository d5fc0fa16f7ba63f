"""How long, how much and how often a server may be asked; and where time and chance come from."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.domain import deadline

NAME = "language model"

# What is left of a request's time when the server is given up: enough to answer from the evidence instead.
_KEPT_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """Bounds of one adapter.

    A call, its retries and its waiting included, takes at most `timeout_seconds` and ends before the request does;
    `idle_seconds` may pass between two pieces of a stream, `connect_seconds` until a connection stands. `concurrency`
    calls run at once and `waiting` more wait. `retry_share` of the calls may be retries, beside the first
    `retry_burst`. Prompt and answer together have `context_tokens`.
    """

    timeout_seconds: float = 20.0
    idle_seconds: float = 10.0
    connect_seconds: float = 5.0
    concurrency: int = 16
    waiting: int = 64
    retry_share: float = 0.1
    retry_burst: int = 3
    context_tokens: int = 8192


@dataclass(frozen=True, slots=True)
class Route:
    """The way to the server: a proxy's address, and a file of certificates to trust instead of the public ones."""

    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Timing:
    """A monotonic clock in seconds, a way to wait, and `uniform(low, high)` for jitter."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = _sleep
    uniform: Callable[[float, float], float] = random.uniform


class Budget:
    """The time one call has, retries included: the adapter's own limit, or what is left of the request if less."""

    def __init__(self, limits: RemoteLimits, clock: Callable[[], float]) -> None:
        self._clock = clock
        left = deadline.remaining(float("inf")) * (1 - _KEPT_SHARE)
        self._end = clock() + min(limits.timeout_seconds, left)

    def left(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self._end - self._clock())
