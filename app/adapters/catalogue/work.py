"""What the runner writes: jobs taken up, files read, releases declared findable."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence

from app.adapters.catalogue.database import Database
from app.adapters.catalogue.rows import ITEM, JOB, extracts_text, item_of, job_of, stamp
from app.adapters.catalogue.settling import cancel_waiting, end, give_up, settle
from app.domain.documents import JobItem, JobKind, JobState, Phase, Slice, Snapshot
from app.domain.extraction import Extracted
from app.domain.knowledge import Metadata

_MOST_TITLES = 20
_NEXT = f"""
{JOB} WHERE j.state IN ('queued', 'running') GROUP BY j.seq
ORDER BY j.kind = 'delete' DESC, j.state = 'running' DESC, j.seq LIMIT 1
"""
_BEGIN = """
UPDATE jobs SET state = 'running', phase = 'extracting', passages_done = 0, passages_total = 0,
started_at = coalesce(started_at, ?), updated_at = ? WHERE id = ?
"""
_READING = "UPDATE files SET state = 'extracting', updated_at = ? WHERE id = ? AND wanted = ? AND deleted = 0"
_READ = """
UPDATE files SET live = wanted, wanted = NULL, state = 'indexing', reason = '', updated_at = ?
WHERE id = ? AND wanted = ? AND deleted = 0
"""
_FACTS = """
UPDATE versions SET documents = ?, titles = ?, metadata = ?, extracted_digest = ? WHERE file_id = ? AND revision = ?
"""
_OUTDATED = """
SELECT revision, stored FROM versions v WHERE file_id = ? AND EXISTS (SELECT 1 FROM files f WHERE f.id = v.file_id
AND v.revision IS NOT f.live AND v.revision IS NOT f.wanted)
"""
_FINDABLE = """
UPDATE files SET findable = live, updated_at = ?,
reason = CASE WHEN wanted IS NULL AND state <> 'ready' THEN '' ELSE reason END,
state = CASE WHEN wanted IS NULL THEN 'ready' ELSE state END WHERE id = ? AND live = ? AND deleted = 0
"""
_ITEM_STATE = "UPDATE items SET state = ?, reason = ? WHERE file_id = ? AND revision = ? AND state IN (?, ?)"
_FRESH = "SELECT id, live FROM files WHERE deleted = 0 AND live IS NOT NULL AND findable IS NOT live"
_GONE = "SELECT id, live IS NOT NULL FROM files WHERE deleted = 1"
_DELETED = """
UPDATE items SET state = 'done', reason = '' WHERE file_id = ? AND state = 'waiting'
AND job_id IN (SELECT id FROM jobs WHERE kind = 'delete')
"""
_FAIL_FILES = """
UPDATE files SET state = 'failed', reason = ?, updated_at = ? WHERE deleted = 0 AND id IN
(SELECT file_id FROM items WHERE job_id = ? AND state IN ('waiting', 'extracted'))
"""
_FAIL_ITEMS = "UPDATE items SET state = 'failed', reason = ? WHERE job_id = ? AND state IN ('waiting', 'extracted')"


class CatalogueWork:
    """The WorkQueue port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, most: int) -> Slice | None:
        """Return the next slice, of up to `most` files; jobs that have nothing left, or were stopped, end here."""
        with self._database.writing() as connection:
            while (row := connection.execute(_NEXT).fetchone()) is not None:
                found = _begin(connection, row[0], most)
                if found is not None:
                    return found
        return None

    def extracted(self, item: JobItem, found: Sequence[Extracted]) -> None:
        """Keep what a file holds; a file that was deleted or replaced meanwhile is passed over."""
        text = extracts_text(found)
        key = (item.file_id, item.revision)
        with self._database.writing() as connection:
            if not connection.execute(_READ, (stamp(), *key)).rowcount:
                return
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            titles = json.dumps([one.title for one in found[:_MOST_TITLES]])
            shared = json.dumps(_shared([one.metadata for one in found]), sort_keys=True, default=str)
            connection.execute(_FACTS, (len(found), titles, shared, digest, *key))
            connection.execute("INSERT OR REPLACE INTO extracts VALUES (?, ?, ?)", (*key, text))
            older = "UPDATE versions SET living = 0 WHERE file_id = ? AND revision < ?"
            connection.execute(older, key)
            connection.execute(_ITEM_STATE, ("extracted", "", *key, "waiting", "waiting"))

    def refused(self, item: JobItem, reason: str) -> Sequence[str]:
        """Keep why a file cannot be read; return the keys of content that is no longer needed."""
        with self._database.writing() as connection:
            dropped = give_up(connection, item.file_id, item.revision, reason)
            connection.execute(_ITEM_STATE, ("failed", reason, item.file_id, item.revision, "waiting", "waiting"))
        return dropped

    def indexed(self, snapshot: Snapshot) -> Sequence[str]:
        """Declare a snapshot findable and end the jobs that are through with it."""
        with self._database.writing() as connection:
            dropped = [key for pair in snapshot.fresh for key in _findable(connection, *pair)]
            dropped += [key for file_id in snapshot.gone for key in _purge(connection, file_id)]
            for (job_id,) in connection.execute("SELECT id FROM jobs WHERE state = 'running'").fetchall():
                settle(connection, job_id)
        return dropped

    def fail(self, job_id: str, reason: str) -> None:
        """End a job; what it had not finished is failed, and can be tried again."""
        with self._database.writing() as connection:
            connection.execute(_FAIL_FILES, (reason, stamp(), job_id))
            connection.execute(_FAIL_ITEMS, (reason, job_id))
            end(connection, job_id, JobState.FAILED, reason)


class CatalogueProgress:
    """The WorkProgress port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def snapshot(self) -> Snapshot:
        """Return what the next release changes."""
        with self._database.reading() as connection:
            fresh = frozenset((str(file_id), int(live)) for file_id, live in connection.execute(_FRESH))
            gone = dict(connection.execute(_GONE).fetchall())
        return Snapshot(fresh, frozenset(gone), index=bool(fresh) or any(gone.values()))

    def pending(self) -> bool:
        """Tell whether there is a job to be run."""
        query = "SELECT 1 FROM jobs WHERE state IN ('queued', 'running') LIMIT 1"
        with self._database.reading() as connection:
            return connection.execute(query).fetchone() is not None

    def stopped(self, job_id: str) -> bool:
        """Tell whether somebody asked for a job to stop."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT stop FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return bool(row and row[0])

    def report(self, job_id: str, phase: Phase, passages: tuple[int, int]) -> None:
        """Keep how far a job is."""
        told = "UPDATE jobs SET phase = ?, passages_done = ?, passages_total = ?, updated_at = ? WHERE id = ?"
        with self._database.writing() as connection:
            connection.execute(told, (phase.value, *passages, stamp(), job_id))


def _begin(connection: sqlite3.Connection, job_id: str, most: int) -> Slice | None:
    """Return the next slice of a job, or None where the job ended."""
    now = stamp()
    connection.execute(_BEGIN, (now, now, job_id))
    job = job_of(connection.execute(f"{JOB} WHERE j.id = ? GROUP BY j.seq", (job_id,)).fetchone())
    if connection.execute("SELECT stop FROM jobs WHERE id = ?", (job_id,)).fetchone()[0]:
        cancel_waiting(connection, job_id)
    if settle(connection, job_id):
        return None
    if job.kind is JobKind.DELETE:
        return Slice(job)
    query = f"{ITEM} WHERE i.job_id = ? AND i.state = 'waiting' ORDER BY i.number LIMIT ?"
    items = tuple(map(item_of, connection.execute(query, (job_id, most))))
    connection.executemany(_READING, [(now, item.file_id, item.revision) for item in items])
    return Slice(job, items)


def _findable(connection: sqlite3.Connection, file_id: str, revision: int) -> list[str]:
    if not connection.execute(_FINDABLE, (stamp(), file_id, revision)).rowcount:
        return []
    connection.execute(_ITEM_STATE, ("done", "", file_id, revision, "extracted", "failed"))
    outdated = connection.execute(_OUTDATED, (file_id,)).fetchall()
    forget = "DELETE FROM versions WHERE file_id = ? AND revision = ?"
    connection.executemany(forget, [(file_id, old) for old, _ in outdated])
    return [key for _, key in outdated]


def _purge(connection: sqlite3.Connection, file_id: str) -> list[str]:
    keys = [key for (key,) in connection.execute("SELECT stored FROM versions WHERE file_id = ?", (file_id,))]
    connection.execute("DELETE FROM files WHERE id = ? AND deleted = 1", (file_id,))
    connection.execute(_DELETED, (file_id,))
    return keys


def _shared(facts: Iterable[Metadata]) -> Metadata:
    """Return the metadata all documents of a file have in common."""
    first, *rest = facts
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in rest)}
