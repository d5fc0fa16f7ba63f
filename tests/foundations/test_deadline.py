"""The time a request has, seen from everywhere it is worked on."""

import asyncio

import pytest

from app.domain import deadline


def test_without_an_end_the_default_counts() -> None:
    assert deadline.remaining(7.5) == 7.5


def test_an_end_runs_down_and_goes_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with deadline.within(20):
        assert deadline.remaining(7.5) == 20
        now = 112.0
        assert deadline.remaining(7.5) == 8
        now = 130.0
        assert deadline.remaining(7.5) == 0
    assert deadline.remaining(7.5) == 7.5


@pytest.mark.parametrize(("inner", "expected"), [(5, 5), (60, 20)])
def test_an_inner_end_only_shortens(monkeypatch: pytest.MonkeyPatch, inner: float, expected: float) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    with deadline.within(20):
        with deadline.within(inner):
            assert deadline.remaining(1) == expected
        assert deadline.remaining(1) == 20


async def test_tasks_inherit_it_and_neighbours_do_not() -> None:
    async def left() -> float:
        await asyncio.sleep(0)
        return deadline.remaining(99)

    async def limited(seconds: float) -> float:
        with deadline.within(seconds):
            return await asyncio.create_task(left())

    first, second, other = await asyncio.gather(limited(10), limited(20), left())
    assert 9 < first <= 10 < second <= 20
    assert other == 99
