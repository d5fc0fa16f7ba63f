"""The embedded store's queues: who waits for whom, how many may, and what becomes of those who leave."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.adapters.stores.sqlite_store import SqliteStore
from app.domain.conversations import Role, Turn
from app.errors import NotFound, StoreFailed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def turn(message_id: str) -> Turn:
    return Turn(message_id, Role.USER, "My VPN drops", NOON)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(tmp_path / "conversations.db", queue_size=4) as opened:
        # It asks once whether there is anything to do, and would be counted among those that wait.
        await opened._sweeper.stop()
        yield opened


async def test_more_calls_than_the_queue_holds_fail_at_once(store: SqliteStore) -> None:
    gate = threading.Event()
    waiting = [asyncio.create_task(store._worker.run(lambda _: gate.wait(10))) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(StoreFailed, match="waiting"):
        await store.append("ann", "c", (turn("1"),))
    gate.set()
    assert await asyncio.gather(*waiting) == [True] * 4
    await store.ping()


async def test_readers_do_not_wait_for_a_writer(store: SqliteStore) -> None:
    await store.append("ann", "c", (turn("1"),))
    gate = threading.Event()
    writing = asyncio.create_task(store._worker.write(lambda _: gate.wait(10)))
    async with asyncio.timeout(5):
        assert await store.history("ann", "c", 5) == (turn("1"),)
        assert len(await store.find("ann", "VPN", 5)) == 1
    gate.set()
    assert await writing


async def test_readers_wait_in_a_queue_of_their_own(store: SqliteStore) -> None:
    gate = threading.Event()
    waiting = [asyncio.create_task(store._worker.read(lambda _: gate.wait(10))) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(StoreFailed, match="waiting"):
        await store.history("ann", "c", 1)
    await store.append("ann", "c", (turn("1"),))
    gate.set()
    assert await asyncio.gather(*waiting) == [True] * 4
    assert await store.history("ann", "c", 1) == (turn("1"),)


async def test_readers_do_not_wait_for_searches(store: SqliteStore) -> None:
    await store.append("ann", "c", (turn("1"),))
    gate = threading.Event()
    searching = [asyncio.create_task(store._worker.search(lambda _: gate.wait(10))) for _ in range(4)]
    async with asyncio.timeout(5):
        assert await store.history("ann", "c", 5) == (turn("1"),)
    with pytest.raises(StoreFailed, match="waiting"):
        await store.find("ann", "VPN", 5)
    gate.set()
    assert await asyncio.gather(*searching) == [True] * 4


async def test_readers_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(StoreFailed):
        await store._worker.read(lambda connection: connection.execute("DELETE FROM turns"))


async def test_a_caller_who_leaves_frees_a_waiting_place_and_spoils_nothing(store: SqliteStore) -> None:
    gate = threading.Event()
    begun = asyncio.create_task(store._worker.run(lambda _: gate.wait(10)))
    queued = asyncio.create_task(store.append("ann", "c", (turn("1"),)))
    await asyncio.sleep(0.02)
    for task in (begun, queued):
        task.cancel()
    ended = await asyncio.gather(begun, queued, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended)
    gate.set()
    await asyncio.gather(*(store.append("ann", "d", (turn(str(number)),)) for number in range(2, 5)))
    assert len(await store.history("ann", "d", 10)) == 3
    with pytest.raises(NotFound):
        await store.history("ann", "c", 1)
