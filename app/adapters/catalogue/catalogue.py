"""Everything of a catalogue, opened together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from app.adapters.catalogue.database import Database
from app.adapters.catalogue.jobs import CatalogueJobs
from app.adapters.catalogue.locks import FileLocks
from app.adapters.catalogue.rawfiles import RawFolder
from app.adapters.catalogue.records import CatalogueRecords
from app.adapters.catalogue.source import CatalogueSource
from app.adapters.catalogue.submissions import CatalogueSubmissions
from app.adapters.catalogue.work import CatalogueProgress, CatalogueWork
from app.domain.documents import FileFilter, FileRecord, Incoming, Job, JobKind, Outcome

DATABASE = "documents.sqlite3"
FOLDER = "documents"


class Catalogue:
    """A catalogue in a folder: `documents.sqlite3`, the raw files in `documents/`, and the locks.

    Opening raises StartRefused where the folder cannot be written or the catalogue is damaged.
    """

    def __init__(self, root: Path) -> None:
        database = Database(root / DATABASE)
        self._database = database
        self.records = CatalogueRecords(database)
        self.submissions = _Submissions(CatalogueSubmissions(database), CatalogueJobs(database))
        self.work = CatalogueWork(database)
        self.progress = CatalogueProgress(database)
        self.source = CatalogueSource(database)
        self.raw = RawFolder(root / FOLDER)
        self.locks = FileLocks(root / "documents.lock", root / "documents.serving")
        self.raw.sweep(self.records.keys())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close everything."""
        self.locks.close()
        self.raw.close()
        self._database.close()

    def origins(self, under: str) -> Mapping[str, FileRecord]:
        """Return the files from a path or from below it, by origin."""
        return self.records.origins(under)


class _Submissions:
    """The Submissions port, of its two halves."""

    def __init__(self, entering: CatalogueSubmissions, jobs: CatalogueJobs) -> None:
        self._entering, self._jobs = entering, jobs

    def accept(self, incoming: Sequence[Incoming], kind: JobKind) -> tuple[Job | None, tuple[Outcome, ...]]:
        """Enter files and their job."""
        return self._entering.accept(incoming, kind)

    def delete(self, chosen: FileFilter) -> tuple[Job | None, int]:
        """Mark files as deleted."""
        return self._entering.delete(chosen)

    def cancel(self, job_id: str) -> Job:
        """Stop a job."""
        return self._jobs.cancel(job_id)

    def retry(self, job_id: str) -> Job:
        """Try a job again."""
        return self._jobs.retry(job_id)
