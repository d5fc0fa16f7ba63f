"""What the search index keeps of turns that were taken away: nothing, sooner or later.

From 3.42 on SQLite overwrites the words at once. Before, FTS5 only marks them as gone, until it happens to merge the
pieces of its index: there the index is marked as unswept, and merged step by step a while later.
"""

import asyncio
import logging
import sqlite3
from functools import partial

from app.adapters.stores.sqlite_worker import SqliteWorker
from app.errors import StoreFailed
from app.sqlite_files import writing

_AT_ONCE = (3, 42)
_NEW_FORMAT = 5
_REST_SECONDS = 60.0
_PAUSE_SECONDS = 0.02
_PAGES = 32

_OPTION = "SELECT v FROM words_config WHERE k = ?"
_SWEPT = "DELETE FROM unswept WHERE mark <= ?"

log = logging.getLogger(__name__)


def overwrites() -> bool:
    """Tell whether this SQLite overwrites deleted words at once."""
    return sqlite3.sqlite_version_info >= _AT_ONCE


def prepare(connection: sqlite3.Connection) -> None:
    """Let the index overwrite what is deleted, where this SQLite can, and be readable for it where it cannot."""
    if overwrites():
        if _option(connection, "secure-delete") != 1:
            connection.execute("INSERT INTO words (words, rank) VALUES ('secure-delete', 1)")
    elif _option(connection, "version") == _NEW_FORMAT:
        # Written by a newer SQLite, in a form this one does not read: made again of the turns.
        with writing(connection):
            connection.execute("DELETE FROM words_config WHERE k = 'secure-delete'")
            connection.execute("UPDATE words_config SET v = 4 WHERE k = 'version'")
            connection.execute("INSERT INTO words (words) VALUES ('rebuild')")


def mark(connection: sqlite3.Connection) -> None:
    """Note, in the transaction that takes turns away, that their words are still in the index."""
    if not overwrites():
        connection.execute("INSERT INTO unswept DEFAULT VALUES")


def empty_log(connection: sqlite3.Connection) -> None:
    """Empty the write-ahead log, in which what was taken away still stands."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


class Sweeper:
    """Merges the index in the background, a while after something was taken away, until nothing of it is left."""

    def __init__(self, worker: SqliteWorker, rest: float = _REST_SECONDS) -> None:
        """`rest` seconds pass before it begins: what is taken away meanwhile is swept with it."""
        self._worker = worker
        self._rest = rest
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep what is unswept, if anything is; while it is at work already, calling it again does nothing."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Leave the rest for the next time."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        try:
            while await self._worker.read(_last_mark):
                await asyncio.sleep(self._rest)
                mark = await self._worker.read(_last_mark)
                await self._sweep()
                await self._worker.write(partial(_swept, mark))
                await self._worker.run(empty_log)
        except StoreFailed as error:
            log.warning("the search index was not swept", extra={"reason": str(error)})

    async def _sweep(self) -> None:
        """Merge all pieces there are into one. Those that come meanwhile are left as they are: else it had no end."""
        more = await self._worker.run(_begin)
        while more:
            # Others write in between.
            await asyncio.sleep(_PAUSE_SECONDS)
            more = await self._worker.run(_step)


def _option(connection: sqlite3.Connection, name: str) -> int | None:
    row = connection.execute(_OPTION, (name,)).fetchone()
    return row[0] if row else None


def _last_mark(connection: sqlite3.Connection) -> int:
    """Return the newest mark; 0 where there is none."""
    return int(connection.execute("SELECT coalesce(max(mark), 0) FROM unswept").fetchone()[0])


def _swept(mark: int, connection: sqlite3.Connection) -> None:
    connection.execute(_SWEPT, (mark,))


def _begin(connection: sqlite3.Connection) -> bool:
    return _merge(connection, -_PAGES)


def _step(connection: sqlite3.Connection) -> bool:
    return _merge(connection, _PAGES)


def _merge(connection: sqlite3.Connection, pages: int) -> bool:
    """Merge a few pages of the index, below zero of all its pieces; tell whether there may be more to merge."""
    before = connection.total_changes
    connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    # As FTS5 documents it: a step that changed less than two rows had nothing to do.
    return connection.total_changes - before >= 2  # noqa: PLR2004
