"""Taking conversations out of an SQLite file for good."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from app.adapters.stores.sqlite_base import SqliteBase
from app.adapters.stores.sqlite_index import mark
from app.adapters.stores.sqlite_rows import Key, number, places, stamp

_STEP = 50
"""How many conversations a transaction takes away at most: other writes wait for it."""

_TURNS = "DELETE FROM turns WHERE place BETWEEN ? AND ?"
_ATTACHMENTS = "DELETE FROM attachments WHERE no = ?"
_CONVERSATION = "DELETE FROM conversations WHERE no = ?"
_RESET = "UPDATE conversations SET bytes = 0, summary = NULL, summary_until = NULL, updated_at = ? WHERE no = ?"
_OWNERS = "SELECT no FROM conversations WHERE user_id = ? LIMIT ?"
_UNCHANGED = "SELECT no FROM conversations WHERE updated_at < ? ORDER BY updated_at LIMIT ?"


class SqliteRemoval(SqliteBase):
    """A ConversationRemoval. What is taken away is overwritten in the file, and in its log."""

    async def reset(self, owner: str, conversation_id: str) -> None:
        """Take messages, summary and attachments away; raises NotFound and StoreFailed."""
        key, now = Key(owner, conversation_id), self._now()
        await self._worker.write(lambda connection: _reset(connection, key, now))
        await self._forget()

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Take a conversation away; raises NotFound and StoreFailed."""
        key = Key(owner, conversation_id)
        await self._worker.write(lambda connection: _drop(connection, [number(connection, key)]))
        await self._forget()

    async def erase(self, owner: str) -> int:
        """Take everything of an owner away, step by step; return how many conversations that were.

        Raises StoreFailed: part may be gone then, and the rest goes when it is called again.
        """
        return await self._drop_while(_OWNERS, owner)

    async def expire(self, before: datetime, most: int) -> int:
        """Take away conversations whose last change was before, oldest first; raises StoreFailed as `erase` does."""
        return await self._drop_while(_UNCHANGED, stamp(before), most)

    async def _drop_while(self, query: str, value: str, most: int | None = None) -> int:
        gone = 0
        try:
            while most is None or gone < most:
                step = _STEP if most is None else min(_STEP, most - gone)
                dropped = await self._worker.write(partial(_drop_found, query, value, step))
                gone += dropped
                if dropped < step:
                    break
        finally:
            if gone:
                await self._forget()
        return gone


def _drop_found(query: str, value: str, most: int, connection: sqlite3.Connection) -> int:
    return _drop(connection, [no for (no,) in connection.execute(query, (value, most))])


def _drop(connection: sqlite3.Connection, numbers: Sequence[int]) -> int:
    for no in numbers:
        _empty(connection, no)
        connection.execute(_CONVERSATION, (no,))
    if numbers:
        mark(connection)
    return len(numbers)


def _reset(connection: sqlite3.Connection, key: Key, now: str) -> None:
    no = number(connection, key)
    _empty(connection, no)
    connection.execute(_RESET, (now, no))
    mark(connection)


def _empty(connection: sqlite3.Connection, no: int) -> None:
    connection.execute(_TURNS, places(no))
    connection.execute(_ATTACHMENTS, (no,))
