"""The list of conversations in an SQLite file."""

import sqlite3

from app.adapters.stores.sqlite_base import SqliteBase
from app.adapters.stores.sqlite_rows import OVERVIEW, Key, begin, number, overview, overview_of, stamp
from app.domain.conversations import Overview, Position
from app.errors import Conflict

_TITLE = "UPDATE conversations SET title = ? WHERE no = ?"
_BEHIND = "AND (created_at, conversation_id) < (:created_at, :id)"
_NEWEST = "ORDER BY created_at DESC, conversation_id DESC LIMIT :limit"


class SqliteDirectory(SqliteBase):
    """A ConversationDirectory."""

    async def create(self, owner: str, conversation_id: str, title: str) -> Overview:
        """Begin an empty conversation; raises Conflict and StoreFailed."""
        key, now = Key(owner, conversation_id), self._now()
        return await self._worker.write(lambda connection: _create(connection, key, title, now))

    async def overview(self, owner: str, conversation_id: str) -> Overview:
        """Return what a list shows of it; raises NotFound and StoreFailed."""
        key = Key(owner, conversation_id)
        return await self._worker.read(lambda connection: overview(connection, key))

    async def page(self, owner: str, limit: int, after: Position | None = None) -> tuple[Overview, ...]:
        """Return conversations, newest first, from behind a position on; raises StoreFailed."""
        wanted: dict[str, str | int] = {"owner": owner, "limit": max(0, limit)}
        if after is not None:
            wanted |= {"created_at": stamp(after.created_at), "id": after.id}
        query = f"{OVERVIEW} WHERE user_id = :owner {_BEHIND if after else ''} {_NEWEST}"
        rows = await self._worker.read(lambda connection: connection.execute(query, wanted).fetchall())
        return tuple(overview_of(row) for row in rows)

    async def rename(self, owner: str, conversation_id: str, title: str) -> Overview:
        """Give it another title; raises NotFound and StoreFailed."""
        key = Key(owner, conversation_id)
        return await self._worker.write(lambda connection: _rename(connection, key, title))


def _create(connection: sqlite3.Connection, key: Key, title: str, now: str) -> Overview:
    if not begin(connection, key, now):
        raise Conflict("conversation", key.conversation)
    return _rename(connection, key, title)


def _rename(connection: sqlite3.Connection, key: Key, title: str) -> Overview:
    connection.execute(_TITLE, (title, number(connection, key)))
    return overview(connection, key)
