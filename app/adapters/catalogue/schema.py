"""The tables of the catalogue, and the steps that bring an older file up to date."""

import sqlite3

from app.errors import StartRefused

# Step n brings a file from version n to n + 1. Steps that were shipped are never changed, new ones are added.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        # `live` is the revision the source yields, `wanted` the one being taken in, `findable` the one in a release.
        """
        CREATE TABLE files (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            origin TEXT NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL DEFAULT '',
            revision INTEGER NOT NULL,
            live INTEGER,
            wanted INTEGER,
            findable INTEGER,
            deleted INTEGER NOT NULL DEFAULT 0,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        ) STRICT
        """,
        "CREATE UNIQUE INDEX one_file_an_origin ON files (origin) WHERE deleted = 0 AND origin <> 'api'",
        "CREATE INDEX files_by_state ON files (state)",
        # `living` is 1 for content nobody else may bring again.
        """
        CREATE TABLE versions (
            file_id TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
            revision INTEGER NOT NULL,
            name TEXT NOT NULL,
            media_type TEXT NOT NULL,
            stored TEXT NOT NULL,
            digest TEXT NOT NULL,
            size INTEGER NOT NULL,
            mapping TEXT NOT NULL,
            living INTEGER NOT NULL DEFAULT 1,
            documents INTEGER NOT NULL DEFAULT 0,
            titles TEXT NOT NULL DEFAULT '[]',
            metadata TEXT NOT NULL DEFAULT '{}',
            extracted_digest TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (file_id, revision)
        ) STRICT
        """,
        "CREATE UNIQUE INDEX one_version_a_content ON versions (digest) WHERE living = 1",
        # Apart, so that lists of files need not step over long texts.
        """
        CREATE TABLE extracts (
            file_id TEXT NOT NULL,
            revision INTEGER NOT NULL,
            documents TEXT NOT NULL,
            PRIMARY KEY (file_id, revision),
            FOREIGN KEY (file_id, revision) REFERENCES versions ON DELETE CASCADE
        ) STRICT
        """,
        """
        CREATE TABLE jobs (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            state TEXT NOT NULL,
            phase TEXT NOT NULL DEFAULT 'waiting',
            reason TEXT NOT NULL DEFAULT '',
            stop INTEGER NOT NULL DEFAULT 0,
            passages_done INTEGER NOT NULL DEFAULT 0,
            passages_total INTEGER NOT NULL DEFAULT 0,
            created_at TEXT NOT NULL,
            started_at TEXT,
            finished_at TEXT,
            updated_at TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX jobs_by_state ON jobs (state)",
        """
        CREATE TABLE items (
            job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            file_id TEXT NOT NULL,
            revision INTEGER NOT NULL,
            name TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('waiting', 'extracted', 'done', 'failed', 'cancelled')),
            reason TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (job_id, number)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX items_by_file ON items (file_id, revision)",
        "CREATE INDEX items_by_state ON items (job_id, state)",
    ),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema, inside the caller's transaction.

    Raises StartRefused for a file of a newer version of this service.
    """
    newest = len(STEPS)
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > newest:
        raise StartRefused(
            f"the documents were catalogued by a newer version (schema {version}, known here: {newest})",
            "start the newer version, or set STATE_DIR to another folder",
        )
    for statement in (line for step in STEPS[version:] for line in step):
        connection.execute(statement)
    if version < newest:
        connection.execute(f"PRAGMA user_version = {newest}")
