"""One SQLite connection in one thread of its own, with a bounded queue in front."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore
from typing import TypeVar

from app.adapters.stores.sqlite_group import GroupCommit, Write
from app.adapters.stores.sqlite_schema import migrate
from app.errors import StartRefused, StoreFailed

Result = TypeVar("Result")

_PRAGMAS = (
    "PRAGMA busy_timeout = 2000",
    # FULL makes every commit wait for the disk: with NORMAL a power cut could take back what was acknowledged.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
_START_SECONDS = 5.0


class SqliteWorker:
    """Runs functions over a connection, one after another. `queue_size` counts those waiting and the one at work."""

    def __init__(self, path: Path, queue_size: int) -> None:
        self._path = path
        self._room = BoundedSemaphore(queue_size)
        self._group = GroupCommit()
        self._executor: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, made with its folder if need be, and migrate it. Raises StartRefused."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        try:
            self._connection = await asyncio.get_running_loop().run_in_executor(self._executor, self._connect)
        except (sqlite3.Error, OSError) as error:
            await self.close()
            reason = f"{self._path}: conversations cannot be kept there ({error})"
            raise StartRefused(reason, "set STATE_DIR to a folder that can be written to") from error
        except StartRefused:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what is queued, then close the file. Closing twice is harmless."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        connection, self._connection = self._connection, None
        if connection is not None:
            # Whatever closing says, there is nothing left to lose: commits are on the disk.
            executor.submit(connection.close)
        # Off the loop, which must go on to hand the last results to those who wait for them.
        await asyncio.to_thread(executor.shutdown)

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `work` returns. Work that has begun is finished even where the caller stops waiting.

        Raises StoreFailed where SQLite fails, the queue is full or the worker is not open; what `work` raises of
        our own errors comes through.
        """
        executor, connection = self._admitted()
        return await self._done(executor.submit(work, connection))

    async def write(self, write: Write) -> None:
        """Run `write` in a transaction, shared with others that wait; what it wrote is on the disk when this returns.

        Raises as `run` does. A write that fails leaves nothing behind, and the others be.
        """
        executor, connection = self._admitted()
        job = self._group.add(write)
        executor.submit(self._group.commit, connection)
        await self._done(job)

    def _admitted(self) -> tuple[ThreadPoolExecutor, sqlite3.Connection]:
        if self._executor is None or self._connection is None:
            raise StoreFailed("sqlite", "not open")
        if not self._room.acquire(blocking=False):
            raise StoreFailed("sqlite", "too many calls are waiting")
        return self._executor, self._connection

    async def _done(self, job: "Future[Result]") -> Result:
        job.add_done_callback(lambda _: self._room.release())
        try:
            return await asyncio.wrap_future(job)
        except (sqlite3.Error, UnicodeEncodeError, OverflowError) as error:
            raise StoreFailed("sqlite", type(error).__name__) from error

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made here, so that nobody else on this machine can read conversations; SQLite gives its log the same mode.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            _write_ahead(connection)
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; it stays on in the file.

    SQLite does not wait for its locks here, so that of several processes starting on a new file some would fail.
    """
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
