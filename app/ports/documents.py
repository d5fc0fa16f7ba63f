"""Seams to the catalogue of documents. Methods block: callers run them off the event loop.

All raise StoreFailed when the catalogue cannot be read or written, DiskFull when that is for want of room.
"""

from collections.abc import Mapping, Sequence
from typing import BinaryIO, ClassVar, Protocol

from app.domain.documents import (
    FileFilter,
    FileRecord,
    Incoming,
    Job,
    JobItem,
    JobKind,
    Outcome,
    Phase,
    Slice,
    Snapshot,
    Stored,
)
from app.domain.extraction import Extracted
from app.errors import StoreFailed


class DiskFull(StoreFailed):
    """There is no room left to keep what was sent."""

    code: ClassVar[str] = "disk_full"

    def __init__(self, name: str) -> None:
        super().__init__(name, "no space left on the disk")


class RawFiles(Protocol):
    """The content of files, under names of our own making."""

    def put(self, source: BinaryIO, most: int) -> Stored:
        """Keep what `source` holds, durably once `settle` was called; raises DocumentRefused past `most` bytes."""
        ...

    def settle(self) -> None:
        """Make the names of all that was put durable."""
        ...

    def read(self, key: str) -> bytes:
        """Return a file's content."""
        ...

    def remove(self, keys: Sequence[str]) -> None:
        """Remove files; what is not there is passed over."""
        ...


class Submissions(Protocol):
    """What is asked of the catalogue from outside."""

    def accept(self, incoming: Sequence[Incoming], kind: JobKind) -> tuple[Job | None, tuple[Outcome, ...]]:
        """Enter files and the job that takes them in, in one step; no job where nothing is to be done.

        Raises NotFound for a `file_id` that is not there, Conflict for another revision than the one expected.
        """
        ...

    def delete(self, chosen: FileFilter) -> tuple[Job | None, int]:
        """Mark the files meant as deleted and make the job that takes them out; return it and their number."""
        ...

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop; raises NotFound, Conflict where it is finished or is a deletion."""
        ...

    def retry(self, job_id: str) -> Job:
        """Queue again what failed or was cancelled; raises NotFound, Conflict where there is nothing to retry."""
        ...


class Records(Protocol):
    """What the catalogue knows."""

    def file(self, file_id: str) -> tuple[FileRecord, str]:
        """Return a file's record and the key of its content; raises NotFound."""
        ...

    def files(self, chosen: FileFilter, after: int, limit: int) -> tuple[tuple[FileRecord, ...], int]:
        """Return files, newest first, and how many are meant in all.

        They are at most `limit`, and came before position `after`; 0 means the newest.
        """
        ...

    def job(self, job_id: str) -> Job:
        """Return a job with its first errors; raises NotFound."""
        ...

    def jobs(self, after: int, limit: int) -> tuple[tuple[Job, ...], int]:
        """Return up to `limit` jobs, newest first, without their errors, and how many there are."""
        ...


class WorkQueue(Protocol):
    """What the one runner of an installation does to the catalogue."""

    def take(self, most: int) -> Slice | None:
        """Return what is to be done next: deletions first, then what was begun, then what came first."""
        ...

    def extracted(self, item: JobItem, found: Sequence[Extracted]) -> None:
        """Keep what a file holds: from now on the source yields it."""
        ...

    def refused(self, item: JobItem, reason: str) -> Sequence[str]:
        """Keep why a file cannot be read; return the keys of content that is no longer needed."""
        ...

    def indexed(self, snapshot: Snapshot) -> Sequence[str]:
        """Declare a snapshot findable; return the keys of content that is no longer needed."""
        ...

    def fail(self, job_id: str, reason: str) -> None:
        """End a job; what it had not finished is failed with this reason."""
        ...


class WorkProgress(Protocol):
    """What is told of work under way."""

    def snapshot(self) -> Snapshot:
        """Return what the next release changes."""
        ...

    def pending(self) -> bool:
        """Tell whether there is a job to be run."""
        ...

    def stopped(self, job_id: str) -> bool:
        """Tell whether somebody asked for a job to stop."""
        ...

    def report(self, job_id: str, phase: Phase, passages: tuple[int, int]) -> None:
        """Keep how far a job is: passages embedded, and in all."""
        ...


class OriginDigests(Protocol):
    """What was taken in from where."""

    def origins(self, under: str) -> Mapping[str, FileRecord]:
        """Return the files whose origin is the path `under` or lies below it, by origin."""
        ...


class RunnerLock(Protocol):
    """One runner in all processes that share a catalogue."""

    def acquire(self) -> bool:
        """Take the lock without waiting; tell whether it was free. It is freed when the process ends, too."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...

    def serve(self) -> None:
        """Tell other processes that there is one that waits for jobs, until this process ends."""
        ...

    def served(self) -> bool:
        """Tell whether another process waits for jobs."""
        ...
