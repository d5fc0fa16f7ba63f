"""One SQLite file shared by processes, its connection in a thread of its own."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from app.errors import StartRefused, StoreFailed
from app.sqlite_files import write_ahead, writing

Result = TypeVar("Result")


class SqliteFile:
    """Runs functions over a connection, one after another. Use it as a context manager, or `open` and `close` it.

    `steps` bring a file from version n to n + 1. What a `durable` file acknowledged survives a power cut; else what was
    written in the last moments before one may be lost, never the rest.
    """

    def __init__(self, path: Path, steps: Sequence[str], *, durable: bool) -> None:
        self._path = path
        self._steps = steps
        self._durable = durable
        self._executor: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, made with its folder if need be; raises StartRefused."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="access")
        try:
            self._connection = await asyncio.get_running_loop().run_in_executor(self._executor, self._connect)
        except (sqlite3.Error, OSError) as error:
            await self.close()
            reason = f"{self._path}: sessions and keys cannot be kept there ({error})"
            raise StartRefused(reason, "set STATE_DIR to a folder that can be written to") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what is queued, then close the file. Closing twice is harmless."""
        executor, self._executor = self._executor, None
        connection, self._connection = self._connection, None
        if executor is not None:
            if connection is not None:
                executor.submit(connection.close)
            await asyncio.to_thread(executor.shutdown)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `work` returns; raises StoreFailed where SQLite fails, and what it raises of our own."""
        executor, connection = self._executor, self._connection
        if executor is None or connection is None:
            raise StoreFailed("access", "not open")
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, work, connection)
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise StoreFailed("access", type(error).__name__) from error

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made here, so that nobody else on this machine can read it; SQLite gives its log the same mode.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            connection.execute("PRAGMA busy_timeout = 1000")
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            write_ahead(connection)
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        with writing(connection):
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > len(self._steps):
                reason = f"{self._path}: written by a newer version of this service"
                raise StartRefused(reason, "start the newer version, or set STATE_DIR to another folder")
            for step in self._steps[version:]:
                connection.execute(step)
            connection.execute(f"PRAGMA user_version = {len(self._steps)}")
