"""The messages of conversations in an SQLite file, and what stands for the older ones."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict

from app.adapters.stores.sqlite_base import Bounds, SqliteBase
from app.adapters.stores.sqlite_rows import MOST_PLACES, Key, begun, moment, number, places, stamp
from app.adapters.stores.turns import prepared
from app.domain.answers import Citation
from app.domain.conversations import Role, Summary, Turn
from app.errors import ConversationFull

_KNOWN = "SELECT 1 FROM turns WHERE message_id = ? AND place BETWEEN ? AND ?"
_LAST = "SELECT place FROM turns WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT 1"
_BYTES = "SELECT bytes FROM conversations WHERE no = ?"
_ADD = """
INSERT INTO turns (place, message_id, role, content, created_at, outcome, citations) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_GROW = "UPDATE conversations SET bytes = bytes + ?, updated_at = ? WHERE no = ?"
_READ = """
SELECT message_id, role, content, created_at, outcome, citations FROM turns
WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT ?
"""
_SUMMARY = "SELECT summary, summary_until FROM conversations WHERE no = ?"
_SUMMARISE = "UPDATE conversations SET summary = ?, summary_until = ? WHERE no = ?"


class SqliteMessages(SqliteBase):
    """A ConversationStore and SummaryStore.

    A message id is unique in the whole file: reusing one in another conversation raises StoreFailed.
    """

    async def history(self, owner: str, conversation_id: str, limit: int, until: int | None = None) -> tuple[Turn, ...]:
        """Return the last `limit` of the first `until` turns, oldest first; raises NotFound and StoreFailed."""
        key, last = Key(owner, conversation_id), MOST_PLACES if until is None else max(0, until)
        return await self._worker.read(lambda connection: _history(connection, key, limit, last))

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Append turns in one atomic step that is on the disk when this returns.

        Raises NotFound, ConversationFull and StoreFailed.
        """
        key, now, given = Key(owner, conversation_id), self._now(), prepared(turns)
        await self._worker.write(lambda connection: _append(connection, key, now, given, self._bounds))

    async def summary(self, owner: str, conversation_id: str) -> Summary | None:
        """Return what stands for the older turns, if anything does; raises NotFound and StoreFailed."""
        key = Key(owner, conversation_id)
        return await self._worker.read(lambda connection: _summary(connection, key))

    async def keep_summary(self, owner: str, conversation_id: str, summary: Summary) -> None:
        """Keep what stands for the older turns; raises NotFound and StoreFailed."""
        key = Key(owner, conversation_id)
        await self._worker.write(
            lambda connection: connection.execute(_SUMMARISE, (summary.text, summary.until, number(connection, key)))
        )


def _history(connection: sqlite3.Connection, key: Key, limit: int, last: int) -> tuple[Turn, ...]:
    span = places(number(connection, key), last=last)
    # A negative limit would mean "all" to SQLite.
    rows = connection.execute(_READ, (*span, max(0, limit))).fetchall()
    return tuple(_turn(*row) for row in reversed(rows))


def _append(connection: sqlite3.Connection, key: Key, now: str, given: tuple[Turn, ...], bounds: Bounds) -> None:
    no = begun(connection, key, now)
    fresh = [turn for turn in given if connection.execute(_KNOWN, (turn.id, *places(no))).fetchone() is None]
    if not fresh:
        return
    last = _last(connection, no)
    size = sum(len(turn.content.encode()) for turn in fresh)
    if (last & MOST_PLACES) + len(fresh) > bounds.turns:
        raise ConversationFull(f"{bounds.turns} messages")
    if connection.execute(_BYTES, (no,)).fetchone()[0] + size > bounds.bytes:
        raise ConversationFull(f"{bounds.bytes} bytes of text")
    connection.executemany(_ADD, ((place, *_row(turn)) for place, turn in enumerate(fresh, last + 1)))
    connection.execute(_GROW, (size, now, no))


def _last(connection: sqlite3.Connection, no: int) -> int:
    row = connection.execute(_LAST, places(no)).fetchone()
    return int(row[0]) if row else places(no)[0] - 1


def _row(turn: Turn) -> tuple[str | None, ...]:
    citations = json.dumps([asdict(one) for one in turn.citations]) if turn.citations else None
    return turn.id, turn.role.value, turn.content, stamp(turn.created_at), turn.outcome, citations


def _turn(name: str, role: str, content: str, created_at: str, outcome: str | None, citations: str | None) -> Turn:
    cited = tuple(Citation(**one) for one in json.loads(citations)) if citations else ()
    return Turn(name, Role(role), content, moment(created_at), outcome, cited)


def _summary(connection: sqlite3.Connection, key: Key) -> Summary | None:
    text, until = connection.execute(_SUMMARY, (number(connection, key),)).fetchone()
    return None if until is None else Summary(text, until)
