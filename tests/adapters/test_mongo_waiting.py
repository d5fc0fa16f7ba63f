"""When requests that nobody answers are let go of."""

import asyncio
from contextlib import ExitStack

import pytest

from app.adapters.stores.mongo_waiting import Waiting


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waiting(clock: Clock) -> Waiting:
    found = Waiting(clock)
    clock.now += 1.0
    return found


class Limit:
    """A time limit that runs out for nobody."""

    def __init__(self) -> None:
        self.over = False

    def expired(self) -> bool:
        return self.over

    def reschedule(self, when: float) -> None:
        self.over = when >= 0


def begin(stack: ExitStack, waiting: Waiting, count: int, first: int = 0) -> list[Limit]:
    limits = [Limit() for _ in range(count)]
    for number, limit in enumerate(limits, first):
        stack.enter_context(waiting.one(number, limit))
    return limits


async def test_five_that_wait_long_are_let_go_of_with_all_others(clock: Clock, waiting: Waiting) -> None:
    stopped = []

    async def ask(ticket: int) -> None:
        try:
            async with asyncio.timeout(60) as limit:
                with waiting.one(ticket, limit):
                    await asyncio.sleep(60)
        except TimeoutError:
            stopped.append(ticket)

    async with asyncio.TaskGroup() as group:
        for ticket in range(5):
            group.create_task(ask(ticket))
        await asyncio.sleep(0)
        clock.now += 0.3
        group.create_task(ask(5))
        await asyncio.sleep(0)
        assert sorted(waiting.given_up()) == [0, 1, 2, 3, 4]
    assert sorted(stopped) == [0, 1, 2, 3, 4, 5]
    assert waiting.given_up() == []


@pytest.mark.parametrize(("count", "seconds"), [(4, 10.0), (9, 0.2)])
async def test_a_few_or_recent_ones_go_on_waiting(clock: Clock, waiting: Waiting, count: int, seconds: float) -> None:
    with ExitStack() as stack:
        begin(stack, waiting, count)
        clock.now += seconds
        assert waiting.given_up() == []


async def test_a_server_that_answers_anything_is_alive(clock: Clock, waiting: Waiting) -> None:
    with ExitStack() as stack:
        begin(stack, waiting, 9)
        clock.now += 0.2
        waiting.answered()
        clock.now += 0.3
        assert waiting.given_up() == []
        later = begin(stack, waiting, 5, first=20)
        clock.now += 0.3
        assert sorted(waiting.given_up()) == [20, 21, 22, 23, 24]
        assert all(limit.expired() for limit in later)


async def test_a_server_that_always_takes_long_is_given_longer(clock: Clock, waiting: Waiting) -> None:
    for number in range(60):
        with waiting.one(number, Limit()):
            clock.now += 0.3
        waiting.answered()
    clock.now += 0.1
    with ExitStack() as stack:
        begin(stack, waiting, 9)
        clock.now += 1.0
        assert waiting.given_up() == []
        clock.now += 0.3
        assert len(waiting.given_up()) == 9


async def test_what_has_ended_is_not_waited_for(clock: Clock, waiting: Waiting) -> None:
    with ExitStack() as stack:
        begin(stack, waiting, 9)
        clock.now += 5.0
    assert waiting.given_up() == []
