"""Cancelling jobs and trying them again."""

import sqlite3

from app.adapters.catalogue.database import Database
from app.adapters.catalogue.rows import JOB, job_of, stamp
from app.adapters.catalogue.settling import cancel_waiting, settle
from app.domain.documents import Job, JobKind, JobState
from app.errors import Conflict, NotFound

_STOP = "UPDATE jobs SET stop = 1, updated_at = ? WHERE id = ?"
_AGAIN = """
UPDATE jobs SET state = 'queued', phase = 'waiting', reason = '', stop = 0, started_at = NULL, finished_at = NULL,
passages_done = 0, passages_total = 0, updated_at = ? WHERE id = ?
"""
# What was read and not indexed is only indexed again.
_INDEX_AGAIN = """
UPDATE items SET state = 'extracted', reason = '' WHERE job_id = ? AND state IN ('failed', 'cancelled')
AND EXISTS (SELECT 1 FROM files f WHERE f.id = items.file_id AND f.deleted = 0 AND f.live = items.revision)
"""
_READ_AGAIN = """
UPDATE items SET state = 'waiting', reason = '' WHERE job_id = ? AND state IN ('failed', 'cancelled')
AND EXISTS (SELECT 1 FROM files f WHERE f.id = items.file_id AND f.deleted = 0 AND f.wanted = items.revision)
"""
_DELETE_AGAIN = """
UPDATE items SET state = 'waiting', reason = '' WHERE job_id = ? AND state = 'failed'
AND EXISTS (SELECT 1 FROM files f WHERE f.id = items.file_id AND f.deleted = 1)
"""
_FILES_AGAIN = """
UPDATE files SET state = CASE WHEN wanted IS NULL THEN 'indexing' ELSE 'queued' END, reason = '', updated_at = ?
WHERE deleted = 0 AND id IN (SELECT file_id FROM items WHERE job_id = ? AND state IN ('waiting', 'extracted'))
"""


class CatalogueJobs:
    """The other half of the Submissions port: `cancel` and `retry`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cancel(self, job_id: str) -> Job:
        """Stop a job that has not begun at once, one that runs after the slice at hand; raises NotFound, Conflict."""
        with self._database.writing() as connection:
            job = _job(connection, job_id)
            if job.state.finished:
                raise Conflict("the job is finished", job_id)
            if job.kind is JobKind.DELETE:
                raise Conflict("a deletion cannot be cancelled", job_id)
            connection.execute(_STOP, (stamp(), job_id))
            if job.state is JobState.QUEUED:
                cancel_waiting(connection, job_id)
                settle(connection, job_id)
            return _job(connection, job_id)

    def retry(self, job_id: str) -> Job:
        """Queue a finished job again for what failed or was cancelled; raises NotFound, Conflict."""
        with self._database.writing() as connection:
            job = _job(connection, job_id)
            if not job.state.finished:
                raise Conflict("the job is not finished", job_id)
            steps = (_DELETE_AGAIN,) if job.kind is JobKind.DELETE else (_INDEX_AGAIN, _READ_AGAIN)
            if not sum(connection.execute(step, (job_id,)).rowcount for step in steps):
                raise Conflict("nothing of the job can be tried again", job_id)
            now = stamp()
            connection.execute(_FILES_AGAIN, (now, job_id))
            connection.execute(_AGAIN, (now, job_id))
            return _job(connection, job_id)


def _job(connection: sqlite3.Connection, job_id: str) -> Job:
    row = connection.execute(f"{JOB} WHERE j.id = ? GROUP BY j.seq", (job_id,)).fetchone()
    if row is None:
        raise NotFound("job")
    return job_of(row)
