"""One SQLite file shared by threads and processes; its faults told in our own words."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from app.adapters.catalogue.naming import matches
from app.adapters.catalogue.schema import migrate
from app.errors import StartRefused, StoreFailed
from app.ports.documents import DiskFull
from app.sqlite_files import write_ahead

NAME = "documents"
_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    # FULL makes every commit wait for the disk: with NORMAL a power cut could take back what was acknowledged.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Database:
    """A connection used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = RLock()
        try:
            self._connection = _connect(path)
        except sqlite3.DatabaseError as error:
            raise StartRefused(*_explained(path, error)) from error
        except OSError as error:
            reason = f"{path}: documents cannot be kept there ({error.strerror})"
            raise StartRefused(reason, "set STATE_DIR to a folder that can be written to") from error

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Run the block over one state of the file; raises StoreFailed."""
        with self._lock, translated():
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block in one transaction that is on the disk when it ends; any exception undoes it all.

        Raises StoreFailed, DiskFull.
        """
        with self._lock, translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk may have ended the transaction already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


@contextmanager
def translated() -> Iterator[None]:
    """Turn faults of SQLite and of the disk into ours: DiskFull where there is no room, else StoreFailed."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            raise DiskFull(NAME) from error
        raise StoreFailed(NAME, type(error).__name__) from error
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(NAME) from error
        raise StoreFailed(NAME, type(error).__name__) from error


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made here, so that nobody else on this machine can read it; SQLite gives its log the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        connection.create_function("matches", 2, matches, deterministic=True)
        write_ahead(connection)
        connection.execute("BEGIN IMMEDIATE")
        migrate(connection)
        connection.execute("COMMIT")
        _check(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    """Raise DatabaseError for a file that is damaged."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(str(found))


def _explained(path: Path, error: sqlite3.DatabaseError) -> tuple[str, str]:
    """Return what is wrong and what to do."""
    if isinstance(error, sqlite3.OperationalError):
        return f"{path}: documents cannot be kept there ({error})", "set STATE_DIR to a folder that can be written to"
    remedy = f"restore {path.name} from a backup, or move it and the folder 'documents' away and add them again"
    return f"{path}: the catalogue of documents is damaged ({error})", remedy
