"""Every status x header x delay x point at which the reply ends: bounded calls, bounded time, a named error."""

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from openai_server import TEXT, Act, Cut, End, Hang, asking, error, events, stream, whole
from patient import asked

from app.adapters.remote.limits import RemoteLimits, Timing
from app.errors import GenerationFailed, Overloaded

SECONDS = 0.6
BURST = 3
LIMITS = RemoteLimits(timeout_seconds=SECONDS, idle_seconds=0.2, retry_burst=BURST)
SLACK = 1.5
"""Seconds a machine that has much else to do may take on top."""

HEADERS: list[dict[str, str]] = [{}, {"retry_after_ms": "60"}, {"retry_after": "120"}, {"retry_after": "rubbish"}]
ENDS: list[type[Cut | End | Hang]] = [Cut, End, Hang]
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Fault:
    """A reply of this status, begun after `delay` seconds, of which `sent` (a share of it) comes before its end."""

    status: int
    headers: dict[str, str]
    delay: float
    sent: float
    end: type[Cut | End | Hang]
    streaming: bool

    def wire(self) -> bytes:
        if self.status != 200:
            return error(self.status, "no " * 50, **self.headers)
        return stream(events(TEXT)) if self.streaming else whole(TEXT)

    def acts(self) -> Sequence[Act]:
        wire = self.wire()
        return [self.delay, wire[: int(self.sent * len(wire))], 0.0, self.end]

    @property
    def told(self) -> bool:
        """Whether the head, and with it the status, comes whole."""
        wire = self.wire()
        return int(self.sent * len(wire)) >= wire.index(HEAD_END) + len(HEAD_END)


MATRIX = [
    Fault(*fault)
    for fault in itertools.product(
        [200, 400, 401, 429, 500, 503], HEADERS, [0.0, 0.05], [0.0, 0.03, 0.3, 0.6, 0.95, 1.0], ENDS, [False, True]
    )
]


async def met(fault: Fault) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(seconds)

    timing = Timing(sleep=sleep, uniform=lambda _low, high: min(high, 0.01))
    async with asking(lambda _: fault.acts(), LIMITS, timing) as (generator, server):
        begun = time.monotonic()
        outcome: Any
        try:
            outcome = await asked(generator, streaming=fault.streaming)
        except (GenerationFailed, Overloaded) as refusal:
            outcome = refusal
        assert time.monotonic() - begun < SECONDS + SLACK, fault
        assert sum(slept) <= SECONDS, fault
        assert generator.inside == 0, fault
        judge(fault, outcome, len(server.asks), slept)


def judge(fault: Fault, outcome: Any, asks: int, slept: list[float]) -> None:
    assert 1 <= asks <= 1 + BURST, fault
    if fault.status == 200 and fault.sent == 1:
        assert (outcome.text, asks) == (TEXT, 1), fault
    elif fault.status == 200 and fault.told:
        # What has begun is not begun again.
        assert asks == 1, fault
    if not fault.told:
        return
    if fault.status != 200:
        assert isinstance(outcome, GenerationFailed | Overloaded), fault
    if fault.status in {400, 401} or fault.headers.get("retry_after") == "120":
        assert asks == 1, fault
        assert isinstance(outcome, Overloaded) == (fault.status == 429 and "retry_after" in fault.headers), fault
    elif fault.status != 200 and fault.end is not Hang:
        # As often as there are retries, and as the time allows.
        assert len(slept) == asks - 1 >= 1, fault
        assert all(pause >= float(fault.headers.get("retry_after_ms", 0)) / 1000 for pause in slept), fault


async def all_met(faults: Sequence[Fault], at_once: int = 24) -> None:
    for first in range(0, len(faults), at_once):
        await asyncio.gather(*map(met, faults[first : first + at_once]))


async def test_any_fault_ends_in_time_with_few_calls() -> None:
    await all_met(random.Random(16).sample(MATRIX, 120))  # noqa: S311


@pytest.mark.slow
async def test_every_fault_ends_in_time_with_few_calls() -> None:
    await all_met(MATRIX)
