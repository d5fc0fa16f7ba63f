import asyncio
import logging
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from app.adapters.stores.memory_store import MemoryStore
from app.domain.conversations import Role, Turn
from app.errors import NotFound, StoreFailed
from app.services.conversation.retention import RetentionRules, expire, keep_retention

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


class Clock:
    """Says what it is set to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Batches:
    """A removal that has so many to take away, fails when told to, and keeps what it was asked."""

    def __init__(self, held: int = 0, fails: int = 0) -> None:
        self.held = held
        self.fails = fails
        self.asked: list[tuple[datetime, int]] = []
        self.often = asyncio.Event()

    async def expire(self, before: datetime, most: int) -> int:
        self.asked.append((before, most))
        if len(self.asked) == 4:
            self.often.set()
        if self.fails:
            self.fails -= 1
            raise StoreFailed("store", "gone")
        gone = min(self.held, most)
        self.held -= gone
        return gone

    async def reset(self, owner: str, conversation_id: str) -> None:
        raise NotImplementedError

    async def delete(self, owner: str, conversation_id: str) -> None:
        raise NotImplementedError

    async def erase(self, owner: str) -> int:
        raise NotImplementedError


async def test_what_was_not_changed_for_so_long_goes_whoever_s_it_is() -> None:
    clock = Clock(NOW - timedelta(days=31))
    store = MemoryStore(clock=clock)
    old, talked, young = (str(uuid.uuid4()) for _ in range(3))
    for owner, name in (("a", old), ("b", talked)):
        await store.create(owner, name, "")
    clock.now = NOW - timedelta(days=30)
    await store.create("c", young, "")
    await store.append("b", talked, [Turn("m", Role.USER, "still here", NOW)])
    clock.now = NOW
    assert await expire(store, RetentionRules(days=30), clock) == 1
    with pytest.raises(NotFound):
        await store.overview("a", old)
    assert (await store.overview("b", talked)).turns == 1
    clock.now += timedelta(seconds=1)
    assert await expire(store, RetentionRules(days=30), clock) == 2


@pytest.mark.parametrize(("held", "asked"), [(0, 1), (9, 1), (10, 2), (25, 3)])
async def test_they_go_in_batches(held: int, asked: int) -> None:
    removal = Batches(held)
    assert await expire(removal, RetentionRules(days=7, batch=10, pause=0), Clock()) == held
    assert removal.asked == [(NOW - timedelta(days=7), 10)] * asked


async def test_others_have_their_turn_between_two_batches() -> None:
    removal = Batches(10**9)
    expiring = asyncio.create_task(expire(removal, RetentionRules(days=7, batch=10, pause=0.01), Clock()))
    await asyncio.sleep(0.1)
    expiring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await expiring
    assert 1 < len(removal.asked) < 20


async def test_it_is_looked_for_now_and_at_every_interval_until_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    removal = Batches(3, fails=1)
    keeping = asyncio.create_task(keep_retention(removal, RetentionRules(days=7, interval=0.02), Clock()))
    async with asyncio.timeout(5):
        await removal.often.wait()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    assert removal.held == 0
    assert [record.message for record in caplog.records] == ["retention_failed", "conversations_expired"]
    assert vars(caplog.records[1])["conversations"] == 3


async def test_where_all_is_kept_nothing_is_looked_for() -> None:
    removal = Batches(3)
    await asyncio.wait_for(keep_retention(removal, RetentionRules(days=0)), 1)
    assert removal.asked == []


async def test_the_time_is_now_where_no_clock_is_set() -> None:
    removal = Batches()
    await expire(removal, RetentionRules(days=1))
    assert abs(removal.asked[0][0] + timedelta(days=1) - datetime.now(UTC)) < timedelta(minutes=1)


async def test_another_failure_is_not_hidden() -> None:
    class Broken(Batches):
        async def expire(self, before: datetime, most: int) -> int:
            raise ValueError(f"ours to mend: {before} {most}")

    with pytest.raises(ValueError, match="ours to mend"):
        await keep_retention(Broken(), RetentionRules(days=1))
