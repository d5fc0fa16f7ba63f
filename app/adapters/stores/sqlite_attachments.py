"""What is kept beside the messages of conversations in an SQLite file."""

import json
import sqlite3

from app.adapters.stores.sqlite_base import SqliteBase
from app.adapters.stores.sqlite_rows import Key, begun, moment, number, stamp
from app.domain.conversations import Attachment, AttachmentKind
from app.errors import ConversationFull, NotFound

_KNOWN = "SELECT 1 FROM attachments WHERE no = ? AND attachment_id = ?"
_COUNT = "SELECT count(*) FROM attachments WHERE no = ?"
_ADD = "INSERT INTO attachments (no, attachment_id, kind, title, passages, created_at) VALUES (?, ?, ?, ?, ?, ?)"
_READ = "SELECT attachment_id, kind, title, passages, created_at FROM attachments WHERE no = ? ORDER BY seq"
_REMOVE = "DELETE FROM attachments WHERE no = ? AND attachment_id = ?"


class SqliteAttachments(SqliteBase):
    """An AttachmentStore."""

    async def attach(self, owner: str, conversation_id: str, attachment: Attachment) -> None:
        """Keep an attachment, once; raises NotFound, ConversationFull and StoreFailed."""
        key, now, most = Key(owner, conversation_id), self._now(), self._bounds.attachments
        row = _row(attachment)
        await self._worker.write(lambda connection: _attach(connection, begun(connection, key, now), row, most))

    async def attachments(self, owner: str, conversation_id: str) -> tuple[Attachment, ...]:
        """Return the attachments, oldest first; raises NotFound and StoreFailed."""
        key = Key(owner, conversation_id)
        rows = await self._worker.read(
            lambda connection: connection.execute(_READ, (number(connection, key),)).fetchall()
        )
        return tuple(_attachment(*row) for row in rows)

    async def detach(self, owner: str, conversation_id: str, attachment_id: str) -> None:
        """Take an attachment away; raises NotFound and StoreFailed."""
        key = Key(owner, conversation_id)
        await self._worker.write(lambda connection: _detach(connection, key, attachment_id))
        await self._forget()


def _attach(connection: sqlite3.Connection, no: int, row: tuple[str, ...], most: int) -> None:
    if connection.execute(_KNOWN, (no, row[0])).fetchone() is not None:
        return
    if connection.execute(_COUNT, (no,)).fetchone()[0] >= most:
        raise ConversationFull(f"{most} attachments")
    connection.execute(_ADD, (no, *row))


def _detach(connection: sqlite3.Connection, key: Key, attachment_id: str) -> None:
    if connection.execute(_REMOVE, (number(connection, key), attachment_id)).rowcount == 0:
        raise NotFound("attachment")


def _row(one: Attachment) -> tuple[str, ...]:
    return one.id, one.kind.value, one.title, json.dumps(one.passages), stamp(one.created_at)


def _attachment(name: str, kind: str, title: str, passages: str, created_at: str) -> Attachment:
    return Attachment(name, AttachmentKind(kind), title, tuple(json.loads(passages)), moment(created_at))
