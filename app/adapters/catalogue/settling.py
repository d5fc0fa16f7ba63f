"""How jobs end, inside a transaction of the caller."""

import sqlite3

from app.adapters.catalogue import versions
from app.adapters.catalogue.rows import stamp
from app.domain.documents import JobState

_COUNTS = """
SELECT coalesce(sum(state IN ('waiting', 'extracted')), 0), coalesce(sum(state = 'done'), 0),
coalesce(sum(state = 'failed'), 0), coalesce(sum(state = 'cancelled'), 0) FROM items WHERE job_id = ?
"""
_END = """
UPDATE jobs SET state = ?, reason = ?, phase = 'finished', finished_at = ?, updated_at = ? WHERE id = ?
"""
_WAITING = "SELECT file_id, revision FROM items WHERE job_id = ? AND state = 'waiting' ORDER BY number"
_CANCEL = "UPDATE items SET state = 'cancelled', reason = 'cancelled' WHERE job_id = ? AND state = 'waiting'"
_FAIL_FILE = """
UPDATE files SET state = 'failed', reason = ?, updated_at = ? WHERE id = ? AND deleted = 0 AND wanted = ?
"""
_KEEP_OLD = """
UPDATE files SET wanted = NULL, state = CASE WHEN findable IS live THEN 'ready' ELSE 'indexing' END, reason = ?,
updated_at = ? WHERE id = ? AND deleted = 0
"""


def settle(connection: sqlite3.Connection, job_id: str) -> bool:
    """End a job that has nothing left to do; tell whether it ended."""
    left, done, failed, cancelled = connection.execute(_COUNTS, (job_id,)).fetchone()
    if left:
        return False
    stop = connection.execute("SELECT stop FROM jobs WHERE id = ?", (job_id,)).fetchone()[0]
    if stop and cancelled:
        end(connection, job_id, JobState.CANCELLED, "cancelled")
    elif failed and not done:
        end(connection, job_id, JobState.FAILED, "no file could be taken in")
    else:
        end(connection, job_id, JobState.DONE, "")
    return True


def end(connection: sqlite3.Connection, job_id: str, state: JobState, reason: str) -> None:
    """Write how a job ended."""
    now = stamp()
    connection.execute(_END, (state.value, reason, now, now, job_id))


def cancel_waiting(connection: sqlite3.Connection, job_id: str) -> list[str]:
    """Cancel what was not read yet; return the keys of content that is no longer needed."""
    dropped = []
    for file_id, revision in connection.execute(_WAITING, (job_id,)).fetchall():
        dropped += give_up(connection, file_id, revision, "cancelled")
    connection.execute(_CANCEL, (job_id,))
    return dropped


def give_up(connection: sqlite3.Connection, file_id: str, revision: int, reason: str) -> list[str]:
    """Say that a version is not taken in: what was there before stays, else the file is failed and can be retried.

    Returns the keys of content that is no longer needed.
    """
    row = connection.execute("SELECT live FROM files WHERE id = ? AND wanted = ?", (file_id, revision)).fetchone()
    if row is None:
        return []
    if row[0] is None:
        connection.execute(_FAIL_FILE, (reason, stamp(), file_id, revision))
        return []
    key = versions.drop(connection, file_id, revision)
    told = f"the replacement was not taken in: {reason}; the content before it stays"
    connection.execute(_KEEP_OLD, (told, stamp(), file_id))
    revive = "UPDATE OR IGNORE versions SET living = 1 WHERE file_id = ? AND revision = ?"
    connection.execute(revive, (file_id, row[0]))
    return [key] if key else []
