"""Sessions on this machine's disk, shared by all processes of the service."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.adapters.access.sqlite_file import SqliteFile
from app.domain.identities import Session
from app.sqlite_files import writing

FILE = "sessions.sqlite3"
_CLEANED_AT_ONCE = 500
_STEPS = (
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        digest TEXT NOT NULL,
        began_at REAL NOT NULL,
        seen_at REAL NOT NULL,
        rotated_at REAL NOT NULL,
        previous TEXT NOT NULL,
        key TEXT NOT NULL,
        ends_at REAL NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX sessions_by_owner ON sessions (owner)",
    "CREATE INDEX sessions_by_end ON sessions (ends_at)",
)
_COLUMNS = "id, owner, digest, began_at, seen_at, rotated_at, previous, key"
_INSERT = f"INSERT OR REPLACE INTO sessions ({_COLUMNS}, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_UPDATE = """
UPDATE sessions SET owner = ?, digest = ?, began_at = ?, seen_at = ?, rotated_at = ?, previous = ?, key = ?, ends_at = ?
WHERE id = ? AND digest = ?
"""
_GET = f"SELECT {_COLUMNS} FROM sessions WHERE id = ? AND ends_at > ?"  # noqa: S608 - the column names above
# With every session that is added some that have ended go, so that the file does not grow without end.
_CLEAN = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ends_at <= ? LIMIT ?)"


def _now() -> datetime:
    return datetime.now(UTC)


class SqliteSessions:
    """A SessionStore in one file. Use it as a context manager."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = _now) -> None:
        # A power cut may cost the sessions of its last moments, who then begin new ones: a disk's wait for every one
        # would cost more.
        self._file = SqliteFile(path, _STEPS, durable=False)
        self._clock = clock

    async def __aenter__(self) -> Self:
        await self._file.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._file.close()

    async def get(self, session_id: str) -> Session | None:
        """Return a session that has not ended."""
        moment = self._clock().timestamp()
        row = await self._file.run(lambda connection: connection.execute(_GET, (session_id, moment)).fetchone())
        return None if row is None else _session(row)

    async def put(self, session: Session, until: datetime, over: str | None = None) -> bool:
        """Keep a session; with `over`, only in the place of one that has this digest. Tell whether it is kept."""
        name, *rest = _row(session)
        ends, moment = until.timestamp(), self._clock().timestamp()

        def add(connection: sqlite3.Connection) -> bool:
            with writing(connection):
                connection.execute(_INSERT, (name, *rest, ends))
                connection.execute(_CLEAN, (moment, _CLEANED_AT_ONCE))
            return True

        def change(connection: sqlite3.Connection) -> bool:
            return connection.execute(_UPDATE, (*rest, ends, name, over)).rowcount == 1

        return await self._file.run(add if over is None else change)

    async def remove(self, session_id: str) -> None:
        """Take a session away."""
        await self._file.run(lambda connection: connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,)))

    async def remove_owner(self, owner: str) -> None:
        """Take all sessions of an owner away."""
        await self._file.run(lambda connection: connection.execute("DELETE FROM sessions WHERE owner = ?", (owner,)))


def _row(session: Session) -> tuple[str | float, ...]:
    times = (moment.timestamp() for moment in (session.began_at, session.seen_at, session.rotated_at))
    return (session.id, session.owner, session.digest, *times, session.previous, session.key)


def _session(row: Any) -> Session:
    name, owner, digest, *times, previous, key = row
    began, seen, rotated = (datetime.fromtimestamp(moment, UTC) for moment in times)
    return Session(name, owner, digest, began, seen, rotated, previous, key)
