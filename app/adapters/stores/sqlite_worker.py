"""One SQLite file: a connection that writes, in a thread of its own, and a few that read beside it."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import BoundedSemaphore
from typing import TypeVar

from app.adapters.stores.sqlite_group import GroupCommit
from app.adapters.stores.sqlite_schema import migrate, reading
from app.errors import StartRefused, StoreFailed
from app.sqlite_files import write_ahead

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Result]

READERS = 2
_WAIT = "PRAGMA busy_timeout = 2000"
_PRAGMAS = (
    _WAIT,
    # FULL makes every commit wait for the disk: with NORMAL a power cut could take back what was acknowledged.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # What is deleted is overwritten, not just forgotten.
    "PRAGMA secure_delete = ON",
)
_READER_PRAGMAS = (_WAIT, "PRAGMA query_only = ON")


class SqliteWorker:
    """Runs functions over a file. `queue_size` counts those waiting and at work, readers and writers apart."""

    def __init__(
        self, path: Path, queue_size: int, prepare: Callable[[sqlite3.Connection], None] | None = None
    ) -> None:
        """`prepare` is done with the writing connection once the file is up to date."""
        self._path = path
        self._prepare = (write_ahead, migrate, *([prepare] if prepare else []))
        self._group = GroupCommit()
        self._writer = _Lane(1, "sqlite-writer", queue_size)
        self._readers = _Lane(READERS, "sqlite-reader", queue_size)
        self._searcher = _Lane(1, "sqlite-searcher", queue_size)

    async def open(self) -> None:
        """Open the file, made with its folder if need be, and migrate it. Raises StartRefused."""
        try:
            await self._writer.open(self._connect)
            await self._readers.open(self._connect_reader)
            await self._searcher.open(self._connect_reader)
        except (sqlite3.Error, OSError) as error:
            await self.close()
            reason = f"{self._path}: conversations cannot be kept there ({error})"
            raise StartRefused(reason, "set STATE_DIR to a folder that can be written to") from error
        except StartRefused:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what is queued, then close the file. Closing twice is harmless."""
        # The writer last: the connection closed last puts the log into the file and takes it away.
        await self._readers.close()
        await self._searcher.close()
        await self._writer.close()

    async def read(self, work: Work[Result]) -> Result:
        """Return what `work` reads of one state of the file, beside what is written meanwhile. Raises as `run` does."""
        return await self._readers.done(lambda connection: _over_one_state(work, connection))

    async def search(self, work: Work[Result]) -> Result:
        """Return what `work` finds, as `read` does: what takes longer, and is not to keep readers waiting."""
        return await self._searcher.done(lambda connection: _over_one_state(work, connection))

    async def run(self, work: Work[Result]) -> Result:
        """Return what `work` returns. Work that has begun is finished even where the caller stops waiting.

        Raises StoreFailed where SQLite fails, the queue is full or the worker is not open; what `work` raises of
        our own errors comes through.
        """
        return await self._writer.done(work)

    async def write(self, write: Work[Result]) -> Result:
        """Run `write` in a transaction, shared with others that wait; what it wrote is on the disk when this returns.

        Raises as `run` does. A write that fails leaves nothing behind, and the others be.
        """
        return await self._writer.done_with(self._group, write)

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made here, so that nobody else on this machine can read conversations; SQLite gives its log the same mode.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        return _prepared(self._path, _PRAGMAS, *self._prepare)

    def _connect_reader(self) -> sqlite3.Connection:
        return _prepared(self._path, _READER_PRAGMAS)


class _Lane:
    """Some threads, each at work with a connection of its own, and a bounded queue in front."""

    def __init__(self, threads: int, name: str, queue_size: int) -> None:
        self._threads = threads
        self._name = name
        self._room = BoundedSemaphore(queue_size)
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._executor: ThreadPoolExecutor | None = None

    async def open(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Make the connections; what `connect` raises comes through."""
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)
        for _ in range(self._threads):
            self._idle.put(await asyncio.get_running_loop().run_in_executor(self._executor, connect))

    async def close(self) -> None:
        """Finish what is queued, and close the connections."""
        executor, self._executor = self._executor, None
        if executor is not None:
            # Off the loop, which must go on to hand the last results to those who wait for them.
            await asyncio.to_thread(executor.shutdown)
        while not self._idle.empty():
            self._idle.get().close()

    async def done(self, work: Work[Result]) -> Result:
        """Return what `work` returns."""
        return await self._waited(self._admitted().submit(self._with_connection, work))

    async def done_with(self, group: GroupCommit, write: Work[Result]) -> Result:
        """Return what `write` returns, done among others."""
        executor = self._admitted()
        job = group.add(write)
        executor.submit(self._with_connection, group.commit)
        return await self._waited(job)

    def _with_connection(self, work: Work[Result]) -> Result:
        connection = self._idle.get()
        try:
            return work(connection)
        finally:
            self._idle.put(connection)

    def _admitted(self) -> ThreadPoolExecutor:
        if self._executor is None:
            raise StoreFailed("sqlite", "not open")
        if not self._room.acquire(blocking=False):
            raise StoreFailed("sqlite", "too many calls are waiting")
        return self._executor

    async def _waited(self, job: "Future[Result]") -> Result:
        job.add_done_callback(lambda _: self._room.release())
        try:
            return await asyncio.wrap_future(job)
        except (sqlite3.Error, UnicodeEncodeError, OverflowError) as error:
            raise StoreFailed("sqlite", type(error).__name__) from error


def _prepared(path: Path, pragmas: tuple[str, ...], *steps: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    # Used by one thread at a time, if not always by the same.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in pragmas:
            connection.execute(pragma)
        for step in steps:
            step(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _over_one_state(work: Work[Result], connection: sqlite3.Connection) -> Result:
    with reading(connection):
        return work(connection)
