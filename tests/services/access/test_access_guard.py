"""Calls to stores: bounded, given up for a while, taken up again."""

import asyncio
import time

import pytest

from app.errors import Conflict, StoreFailed
from app.services.access.guarding import Guard
from app.services.access.memory import Memory
from tests.access_builders import Time


async def hang() -> None:
    await asyncio.sleep(60)


async def fail() -> None:
    raise StoreFailed("sqlite", "OperationalError")


async def work() -> str:
    return "done"


async def test_a_call_that_hangs_fails_in_time() -> None:
    guard = Guard("sessions", 0.05)
    began = time.monotonic()
    with pytest.raises(StoreFailed, match="no answer in time") as caught:
        await guard.call(hang)
    assert time.monotonic() - began < 0.5
    assert isinstance(caught.value.__cause__, TimeoutError)


async def test_after_five_failures_none_is_made_for_two_seconds(caplog: pytest.LogCaptureFixture) -> None:
    clock = Time()
    guard = Guard("sessions", 0.5, clock.monotonic)
    caplog.set_level("INFO")
    for _ in range(5):
        with pytest.raises(StoreFailed):
            await guard.call(fail)
    with pytest.raises(StoreFailed, match="given up"):
        await guard.call(work)
    clock.passes(seconds=2.1)
    assert await guard.call(work) == "done"
    assert await guard.call(work) == "done"
    assert [record.message for record in caplog.records] == ["store given up for a while", "store in use again"]


async def test_what_a_store_refuses_is_none_of_its_failures() -> None:
    guard = Guard("keys", 0.5)

    async def refuse() -> None:
        raise Conflict("key")

    for _ in range(20):
        with pytest.raises(Conflict):
            await guard.call(refuse)
    assert await guard.call(work) == "done"


async def test_a_caller_who_leaves_during_the_probe_leaves_it_to_the_next() -> None:
    clock = Time()
    guard = Guard("keys", 5, clock.monotonic)
    for _ in range(5):
        with pytest.raises(StoreFailed):
            await guard.call(fail)
    clock.passes(seconds=3)
    probe = asyncio.create_task(guard.call(hang))
    await asyncio.sleep(0.01)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert await guard.call(work) == "done"


def test_memory_forgets_what_was_not_asked_for_longest() -> None:
    memory: Memory[str, int] = Memory(Time().monotonic, most=2)
    for number, key in enumerate("abc"):
        memory.keep(key, number)
    assert (memory.fresh("a"), memory.fresh("b"), memory.fresh("c")) == (None, 1, 2)
    memory.forget_where(lambda value: value == 2)
    memory.forget("never there")
    assert (memory.recent("b"), memory.recent("c")) == (1, None)
