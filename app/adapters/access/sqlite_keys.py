"""API keys on this machine's disk: their digests, names and times."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.adapters.access.sqlite_file import SqliteFile
from app.domain.identities import ApiKey
from app.errors import Conflict, NotFound
from app.sqlite_files import writing

FILE = "access.sqlite3"
_STEPS = (
    """
    CREATE TABLE api_keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        owner TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,
        created_at REAL NOT NULL,
        expires_at REAL,
        revoked_at REAL,
        used_at REAL
    ) STRICT
    """,
    "CREATE UNIQUE INDEX api_keys_in_use ON api_keys (name) WHERE revoked_at IS NULL",
)
_COLUMNS = "id, name, owner, digest, created_at, expires_at, revoked_at, used_at"
_INSERT = f"INSERT INTO api_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - the names above
_FIND = f"SELECT {_COLUMNS} FROM api_keys WHERE digest = ?"  # noqa: S608
_EVERY = f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at, id"  # noqa: S608
_NAMED = f"""
SELECT {_COLUMNS} FROM api_keys WHERE id = :name OR (name = :name AND revoked_at IS NULL) ORDER BY id <> :name LIMIT 1
"""  # noqa: S608
_REVOKE = "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
_USED = "UPDATE api_keys SET used_at = ? WHERE id = ?"


class SqliteKeys:
    """A KeyStore in one file, which takes notes of use as well. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _STEPS, durable=True)

    async def __aenter__(self) -> Self:
        await self._file.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._file.close()

    async def add(self, key: ApiKey) -> None:
        """Keep a new key; raises Conflict, StoreFailed."""

        def work(connection: sqlite3.Connection) -> None:
            try:
                connection.execute(_INSERT, _row(key))
            except sqlite3.IntegrityError as error:
                raise Conflict("key", key.name) from error

        await self._file.run(work)

    async def find(self, digest: str) -> ApiKey | None:
        """Return the key that has this digest; raises StoreFailed."""
        row = await self._file.run(lambda connection: connection.execute(_FIND, (digest,)).fetchone())
        return None if row is None else _key(row)

    async def every(self) -> tuple[ApiKey, ...]:
        """Return all keys, oldest first; raises StoreFailed."""
        rows = await self._file.run(lambda connection: connection.execute(_EVERY).fetchall())
        return tuple(_key(row) for row in rows)

    async def revoke(self, name: str, moment: datetime) -> ApiKey:
        """Revoke a key by id or name; raises NotFound, StoreFailed."""

        def work(connection: sqlite3.Connection) -> ApiKey:
            with writing(connection):
                row = connection.execute(_NAMED, {"name": name}).fetchone()
                if row is None:
                    raise NotFound("key")
                key = _key(row)
                connection.execute(_REVOKE, (moment.timestamp(), key.id))
            return key if key.revoked_at else replace(key, revoked_at=moment)

        return await self._file.run(work)

    async def used(self, key_id: str, moment: datetime) -> None:
        """Note that a key was used; raises StoreFailed."""
        await self._file.run(lambda connection: connection.execute(_USED, (moment.timestamp(), key_id)))


def _row(key: ApiKey) -> tuple[str | float | None, ...]:
    times = (key.created_at, key.expires_at, key.revoked_at, key.used_at)
    return (key.id, key.name, key.owner, key.digest, *(moment.timestamp() if moment else None for moment in times))


def _key(row: Any) -> ApiKey:
    name, called, owner, digest, created, *rest = row
    ends, revoked, used = (None if moment is None else _time(moment) for moment in rest)
    return ApiKey(name, called, owner, digest, _time(created), ends, revoked, used)


def _time(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)
