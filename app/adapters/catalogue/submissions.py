"""Entering files and jobs: what is asked for is accepted or refused in one transaction."""

import sqlite3
import uuid
from collections.abc import Sequence

from app.adapters.catalogue import versions
from app.adapters.catalogue.database import Database
from app.adapters.catalogue.records import has, where
from app.adapters.catalogue.rows import FILE, JOB, file_of, job_of, mapping_text, stamp
from app.domain.documents import (
    FROM_API,
    Change,
    FileFilter,
    FileState,
    Incoming,
    Job,
    JobKind,
    JobState,
    Outcome,
    Refusal,
)
from app.errors import Conflict, NotFound

_KEPT_JOBS = 500
_OLD_JOBS = """
DELETE FROM jobs WHERE state NOT IN ('queued', 'running') AND seq <= (SELECT max(seq) FROM jobs) - ?
"""
_ADD_ITEM = "INSERT INTO items (job_id, number, file_id, revision, name, state) VALUES (?, ?, ?, ?, ?, 'waiting')"
_BY_ORIGIN = "SELECT id FROM files WHERE origin = ? AND deleted = 0"
_MARK = "UPDATE files SET deleted = 1, state = 'deleting', reason = '', updated_at = ? WHERE id = ?"
_DROP_ITEMS = """
UPDATE items SET state = 'cancelled', reason = 'the document was deleted'
WHERE file_id = ? AND state IN ('waiting', 'extracted')
"""


class CatalogueSubmissions:
    """The adding half of the Submissions port: `accept` and `delete`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(self, incoming: Sequence[Incoming], kind: JobKind) -> tuple[Job | None, tuple[Outcome, ...]]:
        """Enter files and their job; raises NotFound, Conflict."""
        with self._database.writing() as connection:
            outcomes = tuple(_accept(connection, one) for one in incoming)
            taken = [
                outcome.record
                for outcome in outcomes
                if outcome.record is not None and outcome.change is not Change.UNCHANGED
            ]
            if not taken:
                return None, outcomes
            job = _make_job(connection, kind)
            for number, record in enumerate(taken):
                connection.execute(_ADD_ITEM, (job, number, record.id, record.revision, record.name))
            return _job(connection, job), outcomes

    def delete(self, chosen: FileFilter) -> tuple[Job | None, int]:
        """Mark the files meant as deleted: the source yields them no longer."""
        condition, values = where(chosen)
        with self._database.writing() as connection:
            rows = connection.execute(f"{FILE} WHERE f.deleted = 0 AND {condition} ORDER BY f.seq", values).fetchall()
            meant = [record for record in map(file_of, rows) if has(record.metadata, chosen.metadata)]
            if not meant:
                return None, 0
            job = _make_job(connection, JobKind.DELETE)
            for number, record in enumerate(meant):
                connection.execute(_DROP_ITEMS, (record.id,))
                connection.execute(_MARK, (stamp(), record.id))
                connection.execute("UPDATE versions SET living = 0 WHERE file_id = ?", (record.id,))
                connection.execute(_ADD_ITEM, (job, number, record.id, record.revision, record.name))
            return _job(connection, job), len(meant)


def _make_job(connection: sqlite3.Connection, kind: JobKind) -> str:
    job, now = str(uuid.uuid4()), stamp()
    connection.execute(_OLD_JOBS, (_KEPT_JOBS,))
    add = "INSERT INTO jobs (id, kind, state, created_at, updated_at) VALUES (?, ?, ?, ?, ?)"
    connection.execute(add, (job, kind.value, JobState.QUEUED.value, now, now))
    return job


def _job(connection: sqlite3.Connection, job_id: str) -> Job:
    return job_of(connection.execute(f"{JOB} WHERE j.id = ? GROUP BY j.seq", (job_id,)).fetchone())


def _accept(connection: sqlite3.Connection, one: Incoming) -> Outcome:
    target = _target(connection, one)
    twin = versions.living(connection, one.stored.digest)
    if one.create and target is not None:
        return _refused(one, "duplicate_id", "there is a document with this id", target)
    if twin is not None and twin != target:
        if target is not None or not versions.never_read(connection, twin):
            return _refused(one, "duplicate", "there is a document with this content", twin)
        # It failed before; whoever sends it again wants it tried again.
        connection.execute("UPDATE files SET origin = ? WHERE id = ?", (one.origin, twin))
        target = twin
    if target is None:
        return Outcome(one.name, Change.ADDED, versions.add(connection, one))
    if _same(connection, target, one):
        return Outcome(one.name, Change.UNCHANGED, versions.record(connection, target))
    return Outcome(one.name, Change.REPLACED, versions.replace(connection, target, one))


def _target(connection: sqlite3.Connection, one: Incoming) -> str | None:
    """Return the id of the file that another takes the place of, if there is one; raises NotFound, Conflict."""
    if one.file_id is None:
        found = None if one.origin == FROM_API else connection.execute(_BY_ORIGIN, (one.origin,)).fetchone()
        return str(found[0]) if found else None
    row = connection.execute("SELECT revision FROM files WHERE id = ? AND deleted = 0", (one.file_id,)).fetchone()
    if row is None:
        raise NotFound("document")
    if one.revision is not None and row[0] != one.revision:
        raise Conflict("the document has another revision by now", one.file_id)
    return one.file_id


def _same(connection: sqlite3.Connection, file_id: str, one: Incoming) -> bool:
    """Tell whether a file has this content and mapping already, under a name with the same ending."""
    record = versions.record(connection, file_id)
    alike = record.digest == one.stored.digest and mapping_text(record.mapping) == mapping_text(one.mapping)
    return alike and record.media_type == one.media_type and record.state is not FileState.FAILED


def _refused(one: Incoming, reason: str, detail: str, existing: str) -> Outcome:
    return Outcome(one.name, Change.REFUSED, refusal=Refusal(reason, detail, existing))
