"""Files and the versions of their content, inside a transaction of the caller."""

import sqlite3
import uuid

from app.adapters.catalogue.rows import FILE, file_of, mapping_text, stamp
from app.domain.documents import FileRecord, Incoming

_ADD_FILE = """
INSERT INTO files (id, origin, state, revision, wanted, created_at, updated_at) VALUES (?, ?, 'queued', 1, 1, ?, ?)
"""
_ADD_VERSION = """
INSERT INTO versions (file_id, revision, name, media_type, stored, digest, size, mapping)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_WANT = """
UPDATE files SET revision = ?, wanted = ?, state = 'queued', reason = '', updated_at = ? WHERE id = ?
"""
_SUPERSEDE = """
UPDATE items SET state = 'cancelled', reason = 'a newer version was sent'
WHERE file_id = ? AND revision = ? AND state = 'waiting'
"""


def record(connection: sqlite3.Connection, file_id: str) -> FileRecord:
    """Return the record of a file that is there."""
    return file_of(connection.execute(f"{FILE} WHERE f.id = ?", (file_id,)).fetchone())


def living(connection: sqlite3.Connection, digest: str) -> str | None:
    """Return the id of the file that has this content, if there is one."""
    row = connection.execute("SELECT file_id FROM versions WHERE digest = ? AND living = 1", (digest,)).fetchone()
    return str(row[0]) if row else None


def never_read(connection: sqlite3.Connection, file_id: str) -> bool:
    """Tell whether a file failed before anything of it could be found."""
    row = connection.execute("SELECT 1 FROM files WHERE id = ? AND live IS NULL AND state = 'failed'", (file_id,))
    return row.fetchone() is not None


def add(connection: sqlite3.Connection, one: Incoming) -> FileRecord:
    """Enter a new file."""
    file_id, now = str(uuid.uuid4()), stamp()
    connection.execute(_ADD_FILE, (file_id, one.origin, now, now))
    _add_version(connection, file_id, 1, one)
    return record(connection, file_id)


def replace(connection: sqlite3.Connection, file_id: str, one: Incoming) -> FileRecord:
    """Enter a new version of a file; the one that can be found stays until this one can be."""
    revision, wanted = connection.execute("SELECT revision, wanted FROM files WHERE id = ?", (file_id,)).fetchone()
    if wanted is not None:
        connection.execute(_SUPERSEDE, (file_id, wanted))
        drop(connection, file_id, wanted)
    # The same content with another mapping would stand in its own way.
    own = "UPDATE versions SET living = 0 WHERE file_id = ? AND digest = ?"
    connection.execute(own, (file_id, one.stored.digest))
    _add_version(connection, file_id, revision + 1, one)
    connection.execute(_WANT, (revision + 1, revision + 1, stamp(), file_id))
    return record(connection, file_id)


def drop(connection: sqlite3.Connection, file_id: str, revision: int) -> str | None:
    """Forget a version and return the key of its content, if it was there."""
    forget = "DELETE FROM versions WHERE file_id = ? AND revision = ? RETURNING stored"
    row = connection.execute(forget, (file_id, revision)).fetchone()
    return str(row[0]) if row else None


def _add_version(connection: sqlite3.Connection, file_id: str, revision: int, one: Incoming) -> None:
    stored, mapping = one.stored, mapping_text(one.mapping)
    values = (file_id, revision, one.name, one.media_type, stored.key, stored.digest, stored.size, mapping)
    connection.execute(_ADD_VERSION, values)
