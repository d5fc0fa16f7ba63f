"""The tables of the embedded store, and the steps that bring an older file up to date."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import StartRefused
from app.sqlite_files import writing

_TEXTS = """
CREATE VIEW conversation_texts (conversation_id, user_id, conversation_text) AS
SELECT conversation_id, user_id, coalesce((
    SELECT group_concat(content || char(10), '') FROM (
        SELECT content FROM turns WHERE place BETWEEN no << 18 AND no << 18 | 262143 ORDER BY place
    )
), '') FROM conversations
"""
_SAID = """
CREATE VIEW said (place, owner, content) AS
SELECT place, 'u' || hex(user_id), content FROM turns JOIN conversations ON no = place >> 18
"""
_TRIGGERS = (
    """
    CREATE TRIGGER turn_added AFTER INSERT ON turns BEGIN
        INSERT INTO words (rowid, owner, content) SELECT place, owner, content FROM said WHERE place = new.place;
    END
    """,
    """
    CREATE TRIGGER turn_removed BEFORE DELETE ON turns BEGIN
        INSERT INTO words (words, rowid, owner, content)
        SELECT 'delete', place, owner, content FROM said WHERE place = old.place;
    END
    """,
)

# Step n brings a file from version n to n + 1. Steps that were shipped are never changed, nor what they are made of;
# new ones are added.
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
    # Conversations get numbers, and a turn's place is made of its conversation's number and its own: see sqlite_rows.
    # What stood in `conversation_text` as a second copy is a view of the turns now.
    (
        "DROP INDEX conversations_by_owner",
        "ALTER TABLE conversations RENAME TO old_conversations",
        "ALTER TABLE turns RENAME TO old_turns",
        """
        CREATE TABLE conversations (
            no INTEGER PRIMARY KEY,
            conversation_id TEXT NOT NULL UNIQUE,
            user_id TEXT NOT NULL,
            title TEXT NOT NULL DEFAULT '',
            bytes INTEGER NOT NULL DEFAULT 0,
            summary TEXT,
            summary_until TEXT,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE turns (
            place INTEGER PRIMARY KEY,
            message_id TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
            content TEXT NOT NULL,
            created_at TEXT NOT NULL,
            outcome TEXT,
            citations TEXT
        ) STRICT
        """,
        """
        INSERT INTO conversations
            (conversation_id, user_id, bytes, summary, summary_until, created_at, updated_at)
        SELECT conversation_id, user_id,
            (SELECT coalesce(sum(length(CAST(content AS BLOB))), 0) FROM old_turns
             WHERE old_turns.conversation_id = old_conversations.conversation_id),
            summary, summary_until, created_at, updated_at
        FROM old_conversations ORDER BY created_at, conversation_id
        """,
        """
        INSERT INTO turns (place, message_id, role, content, created_at, outcome)
        SELECT no << 18 | seq, message_id, role, content, old_turns.created_at, outcome
        FROM conversations JOIN old_turns USING (conversation_id) ORDER BY no, seq
        """,
        "DROP TABLE old_turns",
        "DROP TABLE old_conversations",
        "CREATE INDEX conversations_by_owner ON conversations (user_id, created_at DESC, conversation_id DESC)",
        "CREATE INDEX conversations_by_change ON conversations (updated_at)",
        _TEXTS,
        """
        CREATE TABLE attachments (
            seq INTEGER PRIMARY KEY,
            no INTEGER NOT NULL REFERENCES conversations,
            attachment_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            title TEXT NOT NULL,
            passages TEXT NOT NULL,
            created_at TEXT NOT NULL,
            UNIQUE (no, attachment_id)
        ) STRICT
        """,
        # The words of every turn, and its owner as one of them: nobody's search can meet another's turn.
        _SAID,
        """
        CREATE VIRTUAL TABLE words USING fts5 (
            owner, content, content = 'said', content_rowid = 'place', tokenize = 'unicode61 remove_diacritics 2'
        )
        """,
        "INSERT INTO words (words) VALUES ('rebuild')",
        # A row for each removal whose words are still in the index: see sqlite_index.
        "CREATE TABLE unswept (mark INTEGER PRIMARY KEY AUTOINCREMENT) STRICT",
        *_TRIGGERS,
    ),
    # A conversation is known by its owner and its id: what one owner calls theirs says nothing of another's. Its number
    # stays, and so do the places of its turns and the index of their words.
    (
        "DROP TRIGGER turn_added",
        "DROP TRIGGER turn_removed",
        "DROP VIEW said",
        "DROP VIEW conversation_texts",
        "DROP INDEX conversations_by_owner",
        "DROP INDEX conversations_by_change",
        "ALTER TABLE conversations RENAME TO old_conversations",
        "ALTER TABLE attachments RENAME TO old_attachments",
        """
        CREATE TABLE conversations (
            no INTEGER PRIMARY KEY,
            conversation_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            title TEXT NOT NULL DEFAULT '',
            bytes INTEGER NOT NULL DEFAULT 0,
            summary TEXT,
            summary_until TEXT,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            UNIQUE (conversation_id, user_id)
        ) STRICT
        """,
        """
        CREATE TABLE attachments (
            seq INTEGER PRIMARY KEY,
            no INTEGER NOT NULL REFERENCES conversations,
            attachment_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            title TEXT NOT NULL,
            passages TEXT NOT NULL,
            created_at TEXT NOT NULL,
            UNIQUE (no, attachment_id)
        ) STRICT
        """,
        """
        INSERT INTO conversations
        SELECT no, conversation_id, user_id, title, bytes, summary, summary_until, created_at, updated_at
        FROM old_conversations ORDER BY no
        """,
        """
        INSERT INTO attachments SELECT seq, no, attachment_id, kind, title, passages, created_at
        FROM old_attachments ORDER BY seq
        """,
        "DROP TABLE old_attachments",
        "DROP TABLE old_conversations",
        "CREATE INDEX conversations_by_owner ON conversations (user_id, created_at DESC, conversation_id DESC)",
        "CREATE INDEX conversations_by_change ON conversations (updated_at)",
        _TEXTS,
        _SAID,
        *_TRIGGERS,
    ),
)


@contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block over one state of the file."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


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
