"""What all of our SQLite files have in common."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

_START_SECONDS = 5.0


def write_ahead(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; it stays on in the file. Raises sqlite3.OperationalError.

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


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in one transaction that holds the write lock from its start; any exception undoes it all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
