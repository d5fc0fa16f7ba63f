"""What is answered about documents and jobs."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from app.api import document_examples as examples
from app.domain.documents import Change, FileRecord, FileState, Job, JobError, JobKind, JobState, Outcome, Phase
from app.services.documents.submission import Submitted

_COUNT: dict[str, Any] = {"minimum": 0}


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class DocumentReport(_Told):
    """A document and how far it is; what answers can be made from is `ready`, and nothing else."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.REPORT]})

    id: str = Field(description="Its id.")
    name: str = Field(description="The name it was sent under.")
    origin: str = Field(description="`api`, `api/<your id>`, or the path it was added from.")
    state: FileState = Field(description="How far it is.")
    reason: str = Field(description="Why it failed, or why a replacement was not taken in; empty otherwise.")
    revision: int = Field(description="Counts replacements, from 1; see `If-Match`.", json_schema_extra={"minimum": 1})
    documents: int = Field(description="Documents found inside.", json_schema_extra=_COUNT)
    titles: list[str] = Field(description="The first 20 of their titles.")
    media_type: str = Field(description="By the ending of its name.")
    size: int = Field(description="Bytes.", json_schema_extra=_COUNT)
    sha256: str = Field(description="The digest of its content.")
    created_at: datetime = Field(description="When it was first sent, UTC.")
    updated_at: datetime = Field(description="When anything of this last changed, UTC.")

    @classmethod
    def of(cls, record: FileRecord) -> Self:
        """Translate a record."""
        return cls(
            id=record.id,
            name=record.name,
            origin=record.origin,
            state=record.state,
            reason=record.reason,
            revision=record.revision,
            documents=record.documents,
            titles=list(record.titles),
            media_type=record.media_type,
            size=record.size,
            sha256=record.digest,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


class DocumentPage(_Told):
    """Some documents, newest first."""

    documents: list[DocumentReport] = Field(description="The page.")
    total: int = Field(description="How many there are on all pages.", json_schema_extra=_COUNT)
    next_cursor: int | None = Field(description="Send it as `cursor` for the next page; null on the last.")

    @classmethod
    def of(cls, records: tuple[FileRecord, ...], total: int, limit: int) -> Self:
        """Translate a page."""
        following = records[-1].position if len(records) == limit else None
        return cls(documents=[DocumentReport.of(record) for record in records], total=total, next_cursor=following)


class JobFault(_Told):
    """A document a job could not take in."""

    document_id: str = Field(description="The document.")
    name: str = Field(description="Its name.")
    reason: str = Field(description="Why.")

    @classmethod
    def of(cls, error: JobError) -> Self:
        """Translate an error."""
        return cls(document_id=error.document_id, name=error.name, reason=error.reason)


class JobReport(_Told):
    """A job and how far it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.JOB]})

    id: str = Field(description="Its id.")
    kind: JobKind = Field(description="What it does.")
    state: JobState = Field(description="How far it is.")
    phase: Phase = Field(description="What it is at.")
    reason: str = Field(description="Why it failed; empty otherwise.")
    total: int = Field(description="Documents in all.", json_schema_extra=_COUNT)
    done: int = Field(description="Those that are through.", json_schema_extra=_COUNT)
    failed: int = Field(description="Those that failed.", json_schema_extra=_COUNT)
    cancelled: int = Field(description="Those cancelled, or replaced before their turn.", json_schema_extra=_COUNT)
    percent: float = Field(description="How much is done.", json_schema_extra={"minimum": 0, "maximum": 100})
    rate: float = Field(description="Documents a second.", json_schema_extra=_COUNT)
    eta_seconds: float | None = Field(description="Seconds left at this rate; null while nobody can know.")
    errors: list[JobFault] = Field(description="The first 100 documents that failed.")
    created_at: datetime = Field(description="When it was asked for, UTC.")
    started_at: datetime | None = Field(description="When it began.")
    finished_at: datetime | None = Field(description="When it ended.")

    @classmethod
    def of(cls, job: Job) -> Self:
        """Translate a job."""
        eta = job.eta_seconds
        return cls(
            id=job.id,
            kind=job.kind,
            state=job.state,
            phase=job.phase,
            reason=job.reason,
            total=job.total,
            done=job.done,
            failed=job.failed,
            cancelled=job.cancelled,
            percent=round(100 * job.progress, 1),
            rate=round(job.rate, 2),
            eta_seconds=None if eta is None else round(eta, 1),
            errors=[JobFault.of(error) for error in job.errors],
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


class JobPage(_Told):
    """Some jobs, newest first, without their errors."""

    jobs: list[JobReport] = Field(description="The page.")
    total: int = Field(description="How many there are on all pages.", json_schema_extra=_COUNT)
    next_cursor: int | None = Field(description="Send it as `cursor` for the next page; null on the last.")

    @classmethod
    def of(cls, jobs: tuple[Job, ...], total: int, limit: int) -> Self:
        """Translate a page."""
        following = jobs[-1].position if len(jobs) == limit else None
        return cls(jobs=[JobReport.of(job) for job in jobs], total=total, next_cursor=following)


class DocumentOutcome(_Told):
    """What became of one document that was sent; `document` is null where it was refused."""

    name: str = Field(description="Its name.")
    result: Change = Field(description="What became of it.")
    document: DocumentReport | None = Field(description="The document.")
    reason: str = Field(description="Why it was refused, for programs; empty otherwise.")
    detail: str = Field(description="The same in words.")
    existing: str = Field(description="The id of the document that is there already; empty otherwise.")

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """Translate an outcome."""
        refusal = outcome.refusal
        return cls(
            name=outcome.name,
            result=outcome.change,
            document=DocumentReport.of(outcome.record) if outcome.record else None,
            reason=refusal.reason if refusal else "",
            detail=refusal.detail if refusal else "",
            existing=refusal.existing if refusal else "",
        )


class SubmissionReport(_Told):
    """What became of what was sent, in its order; `job` is null where nothing is to be done."""

    job: JobReport | None = Field(description="The job that makes the documents findable.")
    documents: list[DocumentOutcome] = Field(description="One entry for each document sent.")

    @classmethod
    def of(cls, submitted: Submitted) -> Self:
        """Translate what became of it."""
        job = JobReport.of(submitted.job) if submitted.job else None
        return cls(job=job, documents=[DocumentOutcome.of(outcome) for outcome in submitted.outcomes])


class DeletionReport(_Told):
    """What is being deleted; `job` is null where nothing was meant."""

    job: JobReport | None = Field(description="The job that takes the documents out.")
    deleted: int = Field(description="How many documents were meant.", json_schema_extra=_COUNT)
