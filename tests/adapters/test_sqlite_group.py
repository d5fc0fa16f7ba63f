"""Group commit: one wait for the disk for all who wait, and each write undone alone where it fails."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.adapters.stores.sqlite_group import MOST, GroupCommit
from app.adapters.stores.sqlite_worker import SqliteWorker
from app.errors import NotFound, StoreFailed


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[SqliteWorker]:
    opened = SqliteWorker(tmp_path / "db", 256)
    await opened.open()
    await opened.run(lambda connection: connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    yield opened
    await opened.close()


async def rows(worker: SqliteWorker) -> list[int]:
    found = await worker.run(lambda connection: connection.execute("SELECT n FROM t ORDER BY n").fetchall())
    return [number for (number,) in found]


async def add(worker: SqliteWorker, *numbers: int) -> None:
    def write(connection: sqlite3.Connection) -> None:
        for number in numbers:
            if number < 0:
                raise NotFound("number")
            connection.execute("INSERT INTO t VALUES (?)", (number,))

    await worker.write(write)


async def test_writes_that_wait_together_share_transactions(worker: SqliteWorker) -> None:
    begun: list[str] = []
    await worker.run(lambda connection: connection.set_trace_callback(begun.append))
    await asyncio.gather(*(add(worker, number) for number in range(200)))
    assert await rows(worker) == list(range(200))
    assert 200 // MOST < begun.count("COMMIT") < 100


async def test_a_write_returns_what_it_found_once_it_is_on_the_disk(worker: SqliteWorker) -> None:
    def counted(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO t (n) VALUES (NULL)")
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])

    assert await asyncio.gather(*(worker.write(counted) for _ in range(5))) == [1, 2, 3, 4, 5]


async def test_a_write_that_fails_is_undone_alone(worker: SqliteWorker) -> None:
    writes = (add(worker, 1), add(worker, 2, -1), add(worker, 3, 1), add(worker, 4), add(worker, 5, 2**70))
    ends = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(end) for end in ends] == [type(None), NotFound, StoreFailed, type(None), StoreFailed]
    assert await rows(worker) == [1, 4]


def full(connection: sqlite3.Connection) -> None:
    """Fail as a full disk does: with the whole transaction undone."""
    connection.execute("INSERT INTO t VALUES (99)")
    connection.execute("ROLLBACK")
    raise sqlite3.OperationalError("database or disk is full")


async def test_a_full_disk_fails_the_whole_group_and_not_the_next(worker: SqliteWorker) -> None:
    ends = await asyncio.gather(add(worker, 1), worker.write(full), add(worker, 2), return_exceptions=True)
    assert isinstance(ends[1], StoreFailed)
    assert await rows(worker) == [number for number, end in ((1, ends[0]), (2, ends[2])) if end is None]
    await add(worker, 7)
    assert 7 in await rows(worker)


async def test_a_write_given_up_before_it_began_is_not_made(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "db", isolation_level=None)
    connection.execute("CREATE TABLE t (n INTEGER)")
    group = GroupCommit()
    kept, gone = (group.add(lambda to, number=n: to.execute("INSERT INTO t VALUES (?)", (number,))) for n in (1, 2))  # type: ignore[misc]
    gone.cancel()
    group.commit(connection)
    group.commit(connection)
    assert kept.result(0) is not None
    assert connection.execute("SELECT n FROM t").fetchall() == [(1,)]
    connection.close()


def insert(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO t VALUES (1)")


async def test_a_commit_that_fails_fails_everybody_in_it(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "db", isolation_level=None)
    connection.execute("CREATE TABLE t (n INTEGER)")
    connection.execute("PRAGMA query_only = ON")
    group = GroupCommit()
    jobs = [group.add(insert) for _ in range(3)]
    group.commit(connection)
    assert all(isinstance(job.exception(0), sqlite3.OperationalError) for job in jobs)
    assert not connection.in_transaction
    connection.close()


async def test_writes_count_among_those_that_wait(tmp_path: Path) -> None:
    async with asyncio.timeout(10):
        worker = SqliteWorker(tmp_path / "db", 2)
        with pytest.raises(StoreFailed):
            await add(worker, 1)
        await worker.open()
        await worker.run(lambda connection: connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
        ends = await asyncio.gather(*(add(worker, number) for number in range(5)), return_exceptions=True)
        assert [type(end) for end in ends] == [type(None)] * 2 + [StoreFailed] * 3
        await worker.close()
