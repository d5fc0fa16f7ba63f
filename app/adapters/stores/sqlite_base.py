"""What the parts of the embedded store share: the file, the clock, and how far a conversation may grow."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from app.adapters.stores import sqlite_index
from app.adapters.stores.sqlite_rows import MOST_PLACES, stamp
from app.adapters.stores.sqlite_worker import SqliteWorker
from app.adapters.stores.turns import now
from app.errors import StoreFailed
from app.sqlite_files import writing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a conversation may hold: messages, bytes of their text, attachments."""

    turns: int
    bytes: int
    attachments: int

    def __post_init__(self) -> None:
        if self.turns > MOST_PLACES:
            raise ValueError(f"a conversation cannot hold more than {MOST_PLACES} messages")


class SqliteBase:
    """A file that is opened and closed. Use it as a context manager, or call `open` before and `close` after."""

    def __init__(
        self,
        path: Path,
        *,
        queue_size: int = 256,
        most_turns: int = 20_000,
        most_bytes: int = 8_000_000,
        most_attachments: int = 100,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """`queue_size` calls may wait at once; more fail. A conversation holds at most as much as the others say."""
        self._worker = SqliteWorker(path, queue_size, sqlite_index.prepare)
        self._sweeper = sqlite_index.Sweeper(self._worker)
        self._bounds = Bounds(most_turns, most_bytes, most_attachments)
        self._clock = clock

    async def open(self) -> None:
        """Open the file, made if need be, and bring its schema up to date. Raises StartRefused."""
        await self._worker.open()
        self._sweeper.start()

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        await self._sweeper.stop()
        await self._worker.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def ping(self) -> None:
        """Raise StoreFailed unless the file can be read and written."""
        await self._worker.run(_check)

    async def _forget(self) -> None:
        """Empty the log, in which what was taken away still stands. Where that fails, a later one does it."""
        try:
            await self._worker.run(sqlite_index.empty_log)
        except StoreFailed as error:
            log.warning("the log of conversations was not emptied", extra={"reason": str(error)})
        self._sweeper.start()

    def _now(self) -> str:
        return stamp(self._clock())


def _check(connection: sqlite3.Connection) -> None:
    with writing(connection):
        connection.execute("SELECT 1 FROM conversations LIMIT 1").fetchone()
