"""The tables of the embedded store, and the steps that bring an older file up to date."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import StartRefused

# Step n brings a file from version n to n + 1. Steps that were shipped are never changed, new ones are added.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE conversations (
            conversation_id TEXT PRIMARY KEY,
            user_id TEXT NOT NULL,
            conversation_text TEXT NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX conversations_by_owner ON conversations (user_id, created_at DESC)",
        """
        CREATE TABLE turns (
            conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            message_id TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
            content TEXT NOT NULL,
            created_at TEXT NOT NULL,
            outcome TEXT,
            PRIMARY KEY (conversation_id, seq)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE conversations ADD COLUMN summary TEXT",
        "ALTER TABLE conversations ADD COLUMN summary_until TEXT",
    ),
)


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


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version a file was written with; 0 for a new one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema; a file that has it already is not written to.

    Raises StartRefused for a file of a newer version of this service.
    """
    newest = len(STEPS)
    if version_of(connection) == newest:
        return
    with writing(connection):
        # Read again under the lock: another process may have been starting at the same moment.
        version = version_of(connection)
        if version > newest:
            raise StartRefused(
                f"the conversations were written by a newer version (schema {version}, known here: {newest})",
                "start the newer version, or set STATE_DIR to another folder",
            )
        for statement in (line for step in STEPS[version:] for line in step):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {newest}")
