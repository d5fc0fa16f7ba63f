"""Reading the catalogue: files and jobs, one or many."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.adapters.catalogue.database import Database
from app.adapters.catalogue.rows import FILE, JOB, file_of, job_of
from app.domain.documents import FileFilter, FileRecord, Job
from app.domain.knowledge import Metadata
from app.errors import NotFound

MOST_ERRORS = 100
_KEY = "SELECT stored FROM versions WHERE file_id = ? AND revision = ?"
_SHOWN = "SELECT coalesce(wanted, live) FROM files WHERE id = ?"
_ERRORS = """
SELECT file_id, name, reason FROM items WHERE job_id = ? AND state = 'failed' ORDER BY number LIMIT ?
"""


class CatalogueRecords:
    """The Records and OriginDigests ports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def file(self, file_id: str) -> tuple[FileRecord, str]:
        """Return a file's record and the key of its content; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(f"{FILE} WHERE f.id = ?", (file_id,)).fetchone()
            if row is None:
                raise NotFound("document")
            shown = connection.execute(_SHOWN, (file_id,)).fetchone()[0]
            key = connection.execute(_KEY, (file_id, shown)).fetchone()[0]
        return file_of(row), str(key)

    def files(self, chosen: FileFilter, after: int, limit: int) -> tuple[tuple[FileRecord, ...], int]:
        """Return a page of files, newest first, and how many are meant in all."""
        condition, values = where(chosen)
        query = f"{FILE} WHERE {condition} AND (? = 0 OR f.seq < ?) ORDER BY f.seq DESC"
        with self._database.reading() as connection:
            if chosen.metadata:
                rows = map(file_of, connection.execute(query, (*values, 0, 0)))
                meant = [record for record in rows if has(record.metadata, chosen.metadata)]
                return tuple(one for one in meant if not after or one.position < after)[:limit], len(meant)
            # All that a filter says is passed as values; the condition is ours.
            count = f"SELECT count(*) FROM ({FILE} WHERE {condition})"  # noqa: S608
            total = connection.execute(count, values).fetchone()[0]
            rows = map(file_of, connection.execute(f"{query} LIMIT ?", (*values, after, after, limit)))
            return tuple(rows), int(total)

    def origins(self, under: str) -> Mapping[str, FileRecord]:
        """Return the files from a path or from below it, by origin."""
        below = under.rstrip("/") + "/"
        query = f"{FILE} WHERE f.deleted = 0 AND (f.origin = ? OR substr(f.origin, 1, ?) = ?)"
        with self._database.reading() as connection:
            rows = connection.execute(query, (under, len(below), below)).fetchall()
        return {record.origin: record for record in map(file_of, rows)}

    def job(self, job_id: str) -> Job:
        """Return a job with its first errors; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(f"{JOB} WHERE j.id = ? GROUP BY j.seq", (job_id,)).fetchone()
            if row is None:
                raise NotFound("job")
            return job_of(row, connection.execute(_ERRORS, (job_id, MOST_ERRORS)).fetchall())

    def jobs(self, after: int, limit: int) -> tuple[tuple[Job, ...], int]:
        """Return a page of jobs, newest first, and how many there are."""
        query = f"{JOB} WHERE ? = 0 OR j.seq < ? GROUP BY j.seq ORDER BY j.seq DESC LIMIT ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (after, after, limit)).fetchall()
            total = connection.execute("SELECT count(*) FROM jobs").fetchone()[0]
        return tuple(job_of(row) for row in rows), int(total)

    def keys(self) -> frozenset[str]:
        """Return the keys of all content the catalogue knows."""
        with self._database.reading() as connection:
            return frozenset(key for (key,) in connection.execute("SELECT stored FROM versions"))


def where(chosen: FileFilter) -> tuple[str, Sequence[Any]]:
    """Return the condition on `f` and `v` that a filter means, its metadata left out, and the values in it."""
    parts: list[tuple[str, tuple[Any, ...]]] = [("1", ())]
    if chosen.name:
        parts.append(("matches(?, v.name)", (chosen.name,)))
    if chosen.origin:
        parts.append(("matches(?, f.origin)", (chosen.origin,)))
    if chosen.state:
        parts.append(("f.state = ?", (chosen.state.value,)))
    if chosen.ids:
        marks = ",".join("?" * len(chosen.ids))
        parts.append((f"f.id IN ({marks})", tuple(chosen.ids)))
    return " AND ".join(condition for condition, _ in parts), [value for _, values in parts for value in values]


def has(metadata: Metadata, wanted: Mapping[str, str]) -> bool:
    """Tell whether metadata has every value that is wanted; of a list, one entry is enough."""
    found = {name: value if isinstance(value, tuple) else (value,) for name, value in metadata.items()}
    return all(value in found.get(name, ()) for name, value in wanted.items())
