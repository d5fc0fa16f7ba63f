"""Single flight: one piece of work, heard by everybody, outliving whoever began it, ended when nobody listens."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from app.errors import DependencyFailed
from app.services.single_flight import Landed, SingleFlight, leased


@dataclass
class Work:
    """Tells `items` and ends; waits for `gate` before the second item, and then fails where there is an `error`."""

    items: tuple[str, ...] = ("a", "b", "c")
    error: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0
    cancelled: int = 0

    async def __call__(self) -> AsyncGenerator[str | Landed[str], None]:
        self.begun += 1
        try:
            yield self.items[0]
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        for item in self.items[1:-1]:
            yield item
        yield Landed(self.items[-1])


async def heard(flights: SingleFlight[str], work: Work, key: str = "key") -> list[str]:
    async with aclosing(flights.join(key, work)) as items:
        return [item async for item in items]


async def begun(flights: SingleFlight[str], work: Work, many: int) -> list["asyncio.Task[list[str]]"]:
    tasks = [asyncio.create_task(heard(flights, work)) for _ in range(many)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_a_thousand_who_ask_at_once_cost_one_piece_of_work() -> None:
    flights, work = SingleFlight[str](), Work()
    tasks = await begun(flights, work, 1000)
    work.gate.set()
    assert await asyncio.gather(*tasks) == [["a", "b", "c"]] * 1000
    assert work.begun == 1


async def test_who_comes_later_hears_all_from_the_start() -> None:
    flights, work = SingleFlight[str](), Work()
    first = await begun(flights, work, 1)
    async with aclosing(flights.join("key", work)) as items:
        assert await anext(items) == "a"
        work.gate.set()
        assert [item async for item in items] == ["b", "c"]
    assert await first[0] == ["a", "b", "c"]
    assert work.begun == 1


async def test_other_keys_and_later_times_are_other_work() -> None:
    flights, work = SingleFlight[str](), Work()
    work.gate.set()
    assert await heard(flights, work) == await heard(flights, work) == ["a", "b", "c"]
    assert work.begun == 2
    await asyncio.gather(heard(flights, work, "one"), heard(flights, work, "other"))
    assert work.begun == 4


async def test_the_leader_leaving_ends_nothing_for_the_others() -> None:
    flights, work = SingleFlight[str](), Work()
    leader, *others = await begun(flights, work, 5)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    work.gate.set()
    assert await asyncio.gather(*others) == [["a", "b", "c"]] * 4
    assert (work.begun, work.cancelled) == (1, 0)


async def test_work_nobody_listens_to_is_ended_before_the_last_has_left() -> None:
    flights, work = SingleFlight[str](), Work()
    before = asyncio.all_tasks()
    tasks = await begun(flights, work, 3)
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert work.cancelled == 1
    assert asyncio.all_tasks() == before
    work.gate.set()
    assert await heard(flights, work) == ["a", "b", "c"]


async def test_who_asks_while_abandoned_work_is_being_ended_gets_work_of_its_own() -> None:
    flights, work = SingleFlight[str](), Work()
    [gone] = await begun(flights, work, 1)
    gone.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await heard(flights, work) == ["a", "b", "c"]
    assert work.begun == 2
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_failure_reaches_everybody_and_is_not_kept() -> None:
    flights, work = SingleFlight[str](), Work(error=DependencyFailed("model", "broken"))
    tasks = await begun(flights, work, 50)
    work.gate.set()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert ends == [work.error] * 50
    depth, trace = 0, work.error.__traceback__ if work.error else None
    while trace is not None:
        depth, trace = depth + 1, trace.tb_next
    assert depth < 20
    work.error = None
    assert await heard(flights, work) == ["a", "b", "c"]
    assert work.begun == 2


async def test_work_that_is_cancelled_from_outside_is_a_failure_for_those_who_follow() -> None:
    flights, work = SingleFlight[str](), Work()
    before = asyncio.all_tasks()
    tasks = await begun(flights, work, 2)
    [flight] = asyncio.all_tasks() - before - set(tasks)
    flight.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [DependencyFailed] * 2


async def test_work_cancelled_before_its_first_step_leaves_nothing() -> None:
    flights, work = SingleFlight[str](), Work()
    before = asyncio.all_tasks()
    task = asyncio.create_task(heard(flights, work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before
    assert not flights._flights


@dataclass
class Shelf:
    """Leases in this process; `owners` says who holds what, `broken` is what a server that fails would say."""

    owners: dict[str, str] = field(default_factory=dict)
    renewed: int = 0
    lost: bool = False

    async def take(self, key: str, owner: str, _seconds: float) -> bool:
        return self.owners.setdefault(key, owner) == owner

    async def renew(self, _key: str, _owner: str, _seconds: float) -> bool:
        self.renewed += 1
        return not self.lost

    async def release(self, key: str, owner: str) -> None:
        if self.owners.get(key) == owner:
            del self.owners[key]


async def test_a_lease_lets_one_work_at_a_time_and_is_renewed_meanwhile() -> None:
    shelf, inside, most = Shelf(), 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with leased(shelf, "key", seconds=0.03):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.03)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(3)))
    assert most == 1
    assert shelf.renewed >= 3
    assert not shelf.owners


async def test_patience_with_another_owner_ends() -> None:
    shelf = Shelf({"key": "another"})
    async with asyncio.timeout(1), leased(shelf, "key", patience=0.05):
        assert shelf.owners == {"key": "another"}
    assert shelf.owners == {"key": "another"}


async def test_a_lease_that_is_lost_is_renewed_no_more() -> None:
    shelf = Shelf(lost=True)
    async with leased(shelf, "key", seconds=0.02):
        await asyncio.sleep(0.06)
    assert shelf.renewed == 1


async def test_without_leases_nobody_waits() -> None:
    async with leased(None, "key"), leased(None, "key"):
        pass
