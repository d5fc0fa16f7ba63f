"""Admission: so many at once, so many waiting, in their order, and refusals early rather than late."""

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Overloaded
from app.services.admission import Admission


async def waiting(admission: Admission, many: int) -> list["asyncio.Task[None]"]:
    tasks = [asyncio.create_task(admission.enter()) for _ in range(many)]
    await asyncio.sleep(0)
    return tasks


async def test_as_many_as_there_are_places_enter_at_once() -> None:
    admission = Admission(2, 5, 1.0)
    await admission.enter()
    await admission.enter()
    [third] = await waiting(admission, 1)
    assert (third.done(), admission.waiting) == (False, 1)
    admission.leave()
    await third
    assert admission.waiting == 0


async def test_places_go_to_those_who_wait_in_their_order() -> None:
    admission = Admission(1, 5, 1.0)
    await admission.enter()
    order: list[int] = []

    async def enter(number: int) -> None:
        await admission.enter()
        order.append(number)

    tasks = [asyncio.create_task(enter(number)) for number in range(4)]
    await asyncio.sleep(0)
    for task in tasks:
        admission.leave()
        await task
    assert order == [0, 1, 2, 3]


async def test_a_full_queue_refuses_at_once() -> None:
    admission = Admission(1, 2, 60.0)
    await admission.enter()
    tasks = await waiting(admission, 2)
    with pytest.raises(Overloaded) as refused:
        await admission.enter()
    assert refused.value.retry_after >= 1
    assert admission.refused == 1
    for _ in tasks:
        admission.leave()
    await asyncio.gather(*tasks)


async def test_nobody_waits_longer_than_is_allowed() -> None:
    admission = Admission(1, 2, 0.02)
    await admission.enter()
    with pytest.raises(Overloaded):
        await admission.enter()
    assert admission.waiting == 0
    admission.leave()
    await admission.enter()


async def test_who_would_wait_too_long_is_refused_without_waiting() -> None:
    now = 0.0
    admission = Admission(1, 100, 4.0, clock=lambda: now)
    await admission.enter()
    tasks = await waiting(admission, 3)
    for task in tasks:
        now += 0.9
        admission.leave()
        await task
    [first] = await waiting(admission, 1)
    with pytest.raises(Overloaded) as refused:
        # 0.9 s for each place: the first of the queue would wait 0.9 s, the second 1.8 s, too near to 4 s.
        await asyncio.gather(*(admission.enter() for _ in range(2)))
    assert refused.value.retry_after == 2
    assert not first.done()


async def test_a_queue_that_stands_still_takes_nobody_more() -> None:
    now = 0.0
    admission = Admission(1, 100, 4.0, clock=lambda: now)
    await admission.enter()
    for _ in range(5):
        # Lately places became free at once.
        [served] = await waiting(admission, 1)
        now += 0.001
        admission.leave()
        await served
    first, second = await waiting(admission, 2)
    now += 1.5
    refusal = admission.refusal()
    assert refusal is not None
    assert refusal.retry_after == 2
    admission.leave()
    await first
    # The next has waited as long.
    assert admission.refusal() is not None
    admission.leave()
    await second
    [third] = await waiting(admission, 1)
    assert admission.refusal() is None
    third.cancel()


async def test_work_that_ends_in_batches_is_as_fast_as_all_of_it() -> None:
    now = 0.0
    admission = Admission(4, 100, 8.0, clock=lambda: now)
    for _ in range(4):
        await admission.enter()
    for batch in range(6):
        now += 1.0
        tasks = await waiting(admission, 4)
        for task in tasks:
            now += 0.001
            admission.leave()
            await task
        if batch < 3:
            continue
        # A quarter of a second each, though the last few came at once: 2 seconds are enough for 7, not for 8.
        others = await waiting(admission, 6)
        assert admission.refusal() is None
        others += await waiting(admission, 1)
        assert admission.refusal() is not None
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def test_slow_work_of_the_past_does_not_refuse_for_ever() -> None:
    now = 0.0
    admission = Admission(1, 100, 2.0, clock=lambda: now)
    await admission.enter()
    tasks = await waiting(admission, 1)
    for at in (10.0, 20.0):
        now = at
        admission.leave()
    await tasks[0]
    await admission.enter()
    with pytest.raises(Overloaded):
        await admission.enter()
    for _ in range(60):
        now += 0.01
        admission.leave()
        await admission.enter()
    [waits] = await waiting(admission, 1)
    assert not waits.done()
    waits.cancel()


async def test_who_leaves_the_queue_frees_its_place_in_it() -> None:
    admission = Admission(1, 1, 60.0)
    await admission.enter()
    [gone] = await waiting(admission, 1)
    gone.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await gone
    [stays] = await waiting(admission, 1)
    admission.leave()
    await stays


async def test_a_place_given_to_one_who_has_just_left_goes_to_the_next() -> None:
    admission = Admission(1, 5, 60.0)
    await admission.enter()
    gone, stays = await waiting(admission, 2)
    admission.leave()
    gone.cancel()
    await stays
    assert gone.cancelled()


async def test_one_who_is_leaving_is_given_no_place() -> None:
    admission = Admission(1, 5, 60.0)
    await admission.enter()
    gone, stays = await waiting(admission, 2)
    gone.cancel()
    admission.leave()
    await stays
    assert gone.cancelled()


@given(st.lists(st.sampled_from(["enter", "leave", "cancel"]), max_size=60), st.integers(1, 4), st.integers(0, 4))
@settings(derandomize=True, deadline=None, max_examples=80)
def test_whatever_happens_no_place_is_lost_or_given_twice(events: list[str], places: int, queue: int) -> None:
    async def run() -> None:
        admission, tasks = Admission(places, queue, 60.0), list[asyncio.Task[None]]()
        held = 0
        for event in events:
            if event == "enter":
                tasks.append(asyncio.create_task(admission.enter()))
            elif event == "cancel" and tasks:
                tasks[len(tasks) // 2].cancel()
            elif event == "leave" and held:
                admission.leave()
                held -= 1
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            done = [task for task in tasks if task.done()]
            held += sum(not task.cancelled() and task.exception() is None for task in done)
            tasks = [task for task in tasks if not task.done()]
            assert held <= places
            assert len(tasks) <= queue
            assert not tasks or held == places
        while tasks or held:
            admission.leave()
            held -= 1
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            held += sum(task.done() for task in tasks)
            tasks = [task for task in tasks if not task.done()]
        assert admission._free == places

    asyncio.run(run())
