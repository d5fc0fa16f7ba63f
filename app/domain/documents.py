"""Documents people add while the service runs: files with a state, and the jobs that take them in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.extraction import ColumnMapping
from app.domain.knowledge import Metadata

FROM_API = "api"
"""The origin of what was sent without an id of its own; any number of files share it."""

JSON_DOCUMENT = "application/vnd.it-support.document+json"
"""The media type of a document sent as JSON: it is read here, no extractor sees it."""


class FileState(StrEnum):
    """How far a file is; `ready` is findable, and nothing else is. `withdrawn` (not in the release) is never kept."""

    QUEUED = "queued"
    EXTRACTING = "extracting"
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"
    WITHDRAWN = "withdrawn"


class JobKind(StrEnum):
    """What a job does to its files."""

    ADD = "add"
    REPLACE = "replace"
    DELETE = "delete"


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Tell whether nothing more will happen by itself."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


class Phase(StrEnum):
    """What a running job is at."""

    WAITING = "waiting"
    EXTRACTING = "extracting"
    EMBEDDING = "embedding"
    PUBLISHING = "publishing"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file's content as it is kept: the name we gave it, its SHA-256 and its size in bytes."""

    key: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file somebody wants taken in. `name` is for people alone.

    `file_id` names the file it takes the place of, `revision` the one that is expected there. Without them a file from
    the same origin is replaced, unless `create` says that it must not be there.
    """

    name: str
    origin: str
    stored: Stored
    media_type: str
    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    file_id: str | None = None
    revision: int | None = None
    create: bool = False


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What is known of a file. `position` orders files by when they came; times are UTC.

    While a replacement is on its way, all but `state` and `reason` describe the replacement. `documents` counts what
    was found inside, `metadata` is what all of it has in common.
    """

    id: str
    position: int
    name: str
    origin: str
    digest: str
    size: int
    media_type: str
    mapping: ColumnMapping
    state: FileState
    reason: str
    documents: int
    titles: tuple[str, ...]
    metadata: Metadata
    revision: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files are meant: all that is given must hold. `name` and `origin` are patterns with `*`, `?`, `[...]`."""

    name: str = ""
    origin: str = ""
    state: FileState | None = None
    ids: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Tell whether it would mean every file."""
        return not (self.name or self.origin or self.state or self.ids or self.metadata)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is not taken; `reason` is for programs, `existing` the id of what is there already."""

    reason: str
    detail: str
    existing: str = ""


class Change(StrEnum):
    """What became of a file that was handed in."""

    ADDED = "added"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: there is a record unless it was refused."""

    name: str
    change: Change
    record: FileRecord | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class JobError:
    """One file of a job that could not be taken in."""

    document_id: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work and how far it is. `extracted` files are read but not findable yet.

    `passages_done` of `passages_total` are embedded in the slice at hand; `errors` holds the first of `failed`.
    """

    id: str
    position: int
    kind: JobKind
    state: JobState
    phase: Phase
    reason: str
    total: int
    done: int
    failed: int
    cancelled: int
    extracted: int
    passages_done: int
    passages_total: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    errors: tuple[JobError, ...] = ()

    @property
    def progress(self) -> float:
        """The share that is done, 0 to 1: reading a file is held to be 0.4 of the work, embedding the rest."""
        if not self.total or self.state is JobState.DONE:
            return 1.0
        embedded = self.passages_done / self.passages_total if self.passages_total else 0.0
        settled = self.done + self.failed + self.cancelled
        return min(1.0, (settled + self.extracted * (0.4 + 0.6 * embedded)) / self.total)

    @property
    def rate(self) -> float:
        """Files per second since it began; 0 before."""
        if self.started_at is None:
            return 0.0
        seconds = ((self.finished_at or self.updated_at) - self.started_at).total_seconds()
        return self.progress * self.total / seconds if seconds > 0 else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """How long it will take at this rate; None where nobody can know."""
        if self.state.finished:
            return 0.0
        return (1 - self.progress) * self.total / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class JobItem:
    """One file of a job that waits to be read; the pair of id and revision names its content."""

    job_id: str
    file_id: str
    revision: int
    name: str
    key: str
    media_type: str
    mapping: ColumnMapping


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a job that is done next; a deletion's has no items."""

    job: Job
    items: tuple[JobItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the next release will hold that is not findable yet, and what it will no longer hold.

    `fresh` are pairs of file id and revision, `gone` file ids; `index` tells whether a release is needed for it.
    """

    fresh: frozenset[tuple[str, int]]
    gone: frozenset[str]
    index: bool
