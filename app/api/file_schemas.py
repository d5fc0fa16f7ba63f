"""What a form with a file may say, and what is answered: made from the domain's objects and from nothing else."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.api import file_examples as examples
from app.api.answers import ChatAnswer
from app.api.file_parts import (
    COUNT,
    LINE,
    ChunkReport,
    CountedCode,
    FoundGroup,
    FoundTrace,
    KnownReport,
    Report,
    SeverityName,
    TimeRange,
    most,
    severity_name,
)
from app.api.schemas import Language, QueryText
from app.domain.answers import Outcome
from app.domain.conversations import Attachment
from app.domain.files import FileAnalysis, FileKind, FileProgress

_PERCENT: dict[str, Any] = {"minimum": 0, "maximum": 100}


def _none_if_empty(value: Any) -> Any:
    """Take a form's field without a value for one that was not sent."""
    return None if value == "" else value


Given = BeforeValidator(_none_if_empty)


class FileFields(BaseModel):
    """What a form may say beside the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    conversation_id: Annotated[UUID | None, Given] = None
    question: Annotated[QueryText | None, Given] = None
    language: Annotated[Language | None, Given] = None
    stream: Annotated[bool, BeforeValidator(lambda value: value or False)] = False


class FileReport(Report):
    """One analysis of a whole file, and what was found in each chunk."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ANALYSIS]})

    file_id: str = Field(description="The file's id, made by the service.")
    name: str = Field(description="The name it was sent with; it is shown and nothing else.")
    size: int = Field(description="Bytes.", json_schema_extra=LINE)
    conversation_id: str = Field(description="The conversation the file belongs to; a new one where none was named.")
    message_id: str = Field(description="The message of the conversation that tells of the file.")
    outcome: Outcome = Field(description="`partial` where anything could not be done; `troubles` says what.")
    kind: FileKind
    format: str = Field(description="The ending, which the content was found to match.")
    layout: str = Field(description="The form of a log's lines; empty where it is none that is known.")
    encoding: str = Field(description="Empty where the text was taken out of a format of its own.")
    language: str = Field(description="The language the text seems to be in.")
    lines: int = Field(description="Lines of its text.", json_schema_extra=COUNT)
    tokens: int = Field(description="Length of its text.", json_schema_extra=COUNT)
    pages: int = Field(description="Pages of a PDF.", json_schema_extra=COUNT)
    records: int = Field(description="Rows of a table, entries of a list.", json_schema_extra=COUNT)
    fields: list[str] = Field(description="A table's columns, an object's names.", json_schema_extra=most(50))
    times: TimeRange | None = Field(description="When the first and the last line were logged.")
    levels: dict[SeverityName, int] = Field(description="Lines of each level.")
    groups: list[FoundGroup] = Field(description="Messages, the worst first.", json_schema_extra=most(50))
    codes: list[CountedCode] = Field(description="The most frequent first.", json_schema_extra=most(50))
    traces: list[FoundTrace] = Field(description="Stack traces, the most frequent first.", json_schema_extra=most(20))
    ungrouped: int = Field(description="Messages beyond those told apart.", json_schema_extra=COUNT)
    response: str = Field(description="The analysis in words, as the conversation has it.")
    summary: str = Field(description="What a text says, in its own sentences; empty for most logs.")
    knowledge: list[KnownReport] = Field(
        description="What the knowledge base says about the worst errors.", json_schema_extra=most(3)
    )
    answer: ChatAnswer | None = Field(description="The answer to `question`.")
    chunks: list[ChunkReport] = Field(description="Those in which most was found.", json_schema_extra=most(100))
    chunks_total: int = Field(description="How many chunks it was cut into.", json_schema_extra=LINE)
    passages: int = Field(description="How many the conversation keeps.", json_schema_extra={"maximum": 64})
    persisted: bool = Field(description="The file and its messages were stored.")
    troubles: list[str] = Field(description="What could not be done, after retries.", json_schema_extra=most(50))
    processing_time: float = Field(description="Seconds.", json_schema_extra=COUNT)


def report_of(analysis: FileAnalysis, seconds: float) -> FileReport:
    """Translate an analysis that took so many seconds."""
    facts, findings = analysis.facts, analysis.findings
    shared = {name: getattr(facts, name) for name in ("kind", "format", "layout", "encoding", "language")}
    counted = [CountedCode(code=c.code.code, family=c.code.family, count=c.count, line=c.line) for c in findings.codes]
    return FileReport(
        **shared,
        file_id=analysis.file.id,
        name=analysis.file.name,
        size=analysis.file.size,
        conversation_id=analysis.conversation_id,
        message_id=analysis.message_id,
        outcome=Outcome.PARTIAL if analysis.troubles else Outcome.ANSWERED,
        lines=facts.lines,
        tokens=facts.tokens,
        pages=facts.shape.pages,
        records=facts.shape.records,
        fields=list(facts.shape.fields),
        times=TimeRange.of(facts.span),
        levels={severity_name(level): count for level, count in findings.levels},
        groups=[FoundGroup.of(group) for group in findings.groups],
        codes=counted,
        traces=[FoundTrace.of(trace) for trace in findings.traces],
        ungrouped=findings.ungrouped,
        response=analysis.told,
        summary=analysis.summary,
        knowledge=[KnownReport.of(known) for known in analysis.known],
        answer=ChatAnswer.of(analysis.answer) if analysis.answer else None,
        chunks=[ChunkReport.of(chunk) for chunk in analysis.chunks],
        chunks_total=analysis.chunks_total,
        passages=analysis.passages,
        persisted=analysis.persisted,
        troubles=list(analysis.troubles[:50]),
        processing_time=round(seconds, 4),
    )


class ProgressFrame(Report):
    """The data of a `progress` event."""

    percent: int = Field(json_schema_extra=_PERCENT)
    phase: str = Field(description="`analysing`, `summarising`, `looking_up` or `keeping`.")
    chunk: int = Field(description="How many chunks are done.", json_schema_extra=COUNT)
    chunks: int = Field(description="How many there are; an estimate until all are read.", json_schema_extra=COUNT)

    @classmethod
    def of(cls, progress: FileProgress) -> Self:
        """Translate progress."""
        return cls(percent=progress.percent, phase=progress.phase, chunk=progress.chunk, chunks=progress.chunks)


class StoredFile(Report):
    """A file of a conversation."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.STORED]})

    file_id: str = Field(description="The file's id.")
    name: str = Field(description="The name it was sent with.")
    passages: int = Field(description="How many the conversation keeps of it.", json_schema_extra=COUNT)
    created_at: datetime = Field(description="When it was added, UTC.")

    @classmethod
    def of(cls, kept: Attachment) -> Self:
        """Translate an attachment."""
        created = kept.created_at.astimezone(UTC)
        return cls(file_id=kept.id, name=kept.title, passages=len(kept.passages), created_at=created)


class FileList(Report):
    """The files of a conversation, oldest first."""

    files: list[StoredFile] = Field(description="All of them.")
