"""Conversations in an SQLite file: the default where no MongoDB is named."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from app.adapters.stores.sqlite_schema import writing
from app.adapters.stores.sqlite_worker import SqliteWorker
from app.adapters.stores.turns import now, prepared, searchable, to_utc
from app.domain.conversations import Role, Summary, Turn
from app.errors import NotFound

_CREATE = """
INSERT INTO conversations (conversation_id, user_id, conversation_text, created_at, updated_at)
VALUES (:conversation, :owner, '', :now, :now) ON CONFLICT (conversation_id) DO NOTHING
"""
_OWNED = "SELECT 1 FROM conversations WHERE conversation_id = :conversation AND user_id = :owner"
_KNOWN = "SELECT 1 FROM turns WHERE message_id = :id AND conversation_id = :conversation"
_ADD = """
INSERT INTO turns (conversation_id, seq, message_id, role, content, created_at, outcome)
SELECT :conversation, coalesce(max(seq), 0) + 1, :id, :role, :content, :created_at, :outcome
FROM turns WHERE conversation_id = :conversation
"""
_TOUCH = """
UPDATE conversations SET conversation_text = conversation_text || :text, updated_at = :now
WHERE conversation_id = :conversation AND user_id = :owner
"""
_LAST = """
SELECT message_id, role, content, turns.created_at, outcome FROM turns JOIN conversations USING (conversation_id)
WHERE conversation_id = :conversation AND user_id = :owner ORDER BY seq DESC LIMIT :limit
"""
_SUMMARY = """
SELECT summary, summary_until FROM conversations WHERE conversation_id = :conversation AND user_id = :owner
"""
_SUMMARISE = """
UPDATE conversations SET summary = :text, summary_until = :until
WHERE conversation_id = :conversation AND user_id = :owner
"""


class SqliteStore:
    """A ConversationStore over one file; several processes may use it at once.

    A message id is unique in the whole file: reusing one in another conversation raises StoreFailed. Use it as a
    context manager, or call `open` before and `close` after.
    """

    def __init__(self, path: Path, *, queue_size: int = 256, clock: Callable[[], datetime] = now) -> None:
        self._worker = SqliteWorker(path, queue_size)
        self._clock = clock

    async def open(self) -> None:
        """Open the file, made if need be, and bring its schema up to date. Raises StartRefused."""
        await self._worker.open()

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        await self._worker.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def history(self, owner: str, conversation_id: str, limit: int) -> tuple[Turn, ...]:
        """Return the last `limit` turns, oldest first; raises NotFound and StoreFailed."""
        key = {"owner": owner, "conversation": conversation_id}
        return await self._worker.run(lambda connection: _last(connection, key, limit))

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Append turns in one atomic step that is on the disk when this returns; raises NotFound and StoreFailed."""
        key = {"owner": owner, "conversation": conversation_id, "now": _stamp(self._clock())}
        fresh = prepared(turns)
        await self._worker.write(lambda connection: _append(connection, key, fresh))

    async def summary(self, owner: str, conversation_id: str) -> Summary | None:
        """Return what stands for the older turns, if anything does; raises NotFound and StoreFailed."""
        key = {"owner": owner, "conversation": conversation_id}
        return await self._worker.run(lambda connection: _summary(connection, key))

    async def keep_summary(self, owner: str, conversation_id: str, summary: Summary) -> None:
        """Keep what stands for the older turns; raises NotFound and StoreFailed."""
        key = {"owner": owner, "conversation": conversation_id, "text": summary.text, "until": summary.until}
        await self._worker.write(lambda connection: _summarise(connection, key))

    async def ping(self) -> None:
        """Raise StoreFailed unless the file can be read and written."""
        await self._worker.run(_check)


def _append(connection: sqlite3.Connection, key: dict[str, str], turns: tuple[Turn, ...]) -> None:
    connection.execute(_CREATE, key)
    _require(connection, key)
    added = [turn for turn in turns if _add(connection, key, turn)]
    if added:
        connection.execute(_TOUCH, {**key, "text": searchable(added)})


def _add(connection: sqlite3.Connection, key: dict[str, str], turn: Turn) -> bool:
    """Write a turn unless the conversation has it; tell whether it was written."""
    if connection.execute(_KNOWN, {**key, "id": turn.id}).fetchone() is not None:
        return False
    row = {
        "id": turn.id,
        "role": turn.role.value,
        "content": turn.content,
        "created_at": _stamp(turn.created_at),
        "outcome": turn.outcome,
    }
    connection.execute(_ADD, {**key, **row})
    return True


def _last(connection: sqlite3.Connection, key: dict[str, str], limit: int) -> tuple[Turn, ...]:
    _require(connection, key)
    # A negative limit would mean "all" to SQLite.
    rows = connection.execute(_LAST, {**key, "limit": max(0, limit)}).fetchall()
    return tuple(
        Turn(message_id, Role(role), content, datetime.fromisoformat(created_at), outcome)
        for message_id, role, content, created_at, outcome in reversed(rows)
    )


def _summary(connection: sqlite3.Connection, key: dict[str, str]) -> Summary | None:
    _require(connection, key)
    text, until = connection.execute(_SUMMARY, key).fetchone()
    return None if until is None else Summary(text, until)


def _summarise(connection: sqlite3.Connection, key: dict[str, str]) -> None:
    _require(connection, key)
    connection.execute(_SUMMARISE, key)


def _require(connection: sqlite3.Connection, key: dict[str, str]) -> None:
    if connection.execute(_OWNED, key).fetchone() is None:
        raise NotFound("conversation")


def _check(connection: sqlite3.Connection) -> None:
    with writing(connection):
        connection.execute("SELECT 1 FROM conversations LIMIT 1").fetchone()


def _stamp(moment: datetime) -> str:
    """Return a time as text of one width, so that texts sort as times do."""
    return to_utc(moment).isoformat(timespec="milliseconds")
