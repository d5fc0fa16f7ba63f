"""The parts of a file's analysis as they are answered."""

from datetime import UTC, datetime
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field

from app.api import file_examples as examples
from app.api.answers import CitedSource, SearchResult
from app.domain.answers import Outcome
from app.domain.files import (
    ChunkFindings,
    CodeFamily,
    ErrorCode,
    KnownAbout,
    MessageGroup,
    Severity,
    Span,
    StackTrace,
)

COUNT: dict[str, Any] = {"minimum": 0}
LINE: dict[str, Any] = {"minimum": 1}
SeverityName = Literal["none", "debug", "info", "warning", "error", "fatal"]
_NAMES: dict[Severity, SeverityName] = dict(zip(Severity, get_args(SeverityName), strict=True))


def most(items: int) -> dict[str, Any]:
    """Return what a schema says of a list of at most so many items."""
    return {"maxItems": items}


class Report(BaseModel):
    """Something that is answered."""

    model_config = ConfigDict(frozen=True)


def severity_name(severity: Severity) -> SeverityName:
    """Return a severity's name."""
    return _NAMES[severity]


class TimeRange(Report):
    """When something was logged, first and last."""

    first: datetime = Field(description="The earliest.")
    last: datetime = Field(description="The latest.")
    zone: Literal["utc", "local"] = Field(description="`local`: on the clock of whoever logged; the file does not say.")

    @classmethod
    def of(cls, span: Span | None) -> Self | None:
        """Translate a span."""
        if span is None:
            return None
        first, last = (moment.replace(tzinfo=UTC) if span.zoned else moment for moment in (span.first, span.last))
        return cls(first=first, last=last, zone="utc" if span.zoned else "local")


class FoundCode(Report):
    """An error code as it is written, and whose it is."""

    code: str = Field(description="The code as it is written.")
    family: CodeFamily

    @classmethod
    def of(cls, code: ErrorCode) -> Self:
        """Translate a code."""
        return cls(code=code.code, family=code.family)


class CountedCode(FoundCode):
    """An error code with how often it was found."""

    count: int = Field(description="How often it was found.", json_schema_extra=LINE)
    line: int = Field(description="The first line it is in.", json_schema_extra=LINE)


class FoundGroup(Report):
    """Messages that differ in numbers and names alone."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.GROUP]})

    template: str = Field(description="The message, what varies replaced by its kind.")
    severity: SeverityName = Field(description="How bad it is.")
    count: int = Field(description="How often it was logged.", json_schema_extra=LINE)
    lines: list[int] = Field(description="The first lines it is in.", json_schema_extra=most(10))
    last_line: int = Field(description="The last line it is in.", json_schema_extra=LINE)
    times: TimeRange | None = Field(description="When it was logged, first and last.")
    codes: list[FoundCode] = Field(description="The error codes in it.", json_schema_extra=most(8))
    excerpt: str = Field(description="The first one, credentials removed; empty for what is no error or warning.")

    @classmethod
    def of(cls, group: MessageGroup) -> Self:
        """Translate a group."""
        return cls(
            template=group.template,
            severity=severity_name(group.severity),
            count=group.count,
            lines=list(group.lines),
            last_line=group.last_line,
            times=TimeRange.of(group.span),
            codes=[FoundCode.of(code) for code in group.codes],
            excerpt=group.excerpt,
        )


class FoundTrace(Report):
    """A stack trace, counted with those of the same exception raised at the same place."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TRACE]})

    language: Literal["python", "java", "dotnet", "javascript"] = Field(description="The language of the program.")
    exception: str = Field(description="What was raised.")
    message: str = Field(description="What it said.")
    frames: list[str] = Field(description="Where it was raised, the innermost ones.", json_schema_extra=most(8))
    line: int = Field(description="The first line of the first one.", json_schema_extra=LINE)
    last_line: int = Field(description="The first line of the last one.", json_schema_extra=LINE)
    count: int = Field(description="How often it was found.", json_schema_extra=LINE)

    @classmethod
    def of(cls, trace: StackTrace) -> Self:
        """Translate a stack trace."""
        return cls.model_validate({name: getattr(trace, name) for name in cls.model_fields})


class ChunkReport(Report):
    """What was found in one chunk."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CHUNK]})

    number: int = Field(description="Its place, from 1.", json_schema_extra=LINE)
    first_line: int = Field(description="The line it begins with.", json_schema_extra=LINE)
    last_line: int = Field(description="The line it ends with.", json_schema_extra=LINE)
    tokens: int = Field(description="Its length.", json_schema_extra=COUNT)
    errors: int = Field(description="Lines with errors.", json_schema_extra=COUNT)
    warnings: int = Field(description="Lines with warnings.", json_schema_extra=COUNT)
    traces: int = Field(description="Stack traces.", json_schema_extra=COUNT)
    codes: list[str] = Field(description="The error codes in it.", json_schema_extra=most(20))
    times: TimeRange | None = Field(description="When its lines were logged.")
    summary: str = Field(description="What it says, in its own sentences; empty for most logs.")
    attempts: int = Field(description="How often it was tried.", json_schema_extra=LINE)
    failure: str = Field(description="Why it could not be analysed; empty where it was.")

    @classmethod
    def of(cls, chunk: ChunkFindings) -> Self:
        """Translate a chunk's findings."""
        own = {name: getattr(chunk, name) for name in cls.model_fields if name not in {"times", "codes"}}
        return cls(**own, codes=list(chunk.codes), times=TimeRange.of(chunk.span))


class KnownReport(Report):
    """What the knowledge base says about one of the file's errors."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.KNOWN]})

    about: str = Field(description="What was asked.")
    line: int = Field(description="The line it is about.", json_schema_extra=LINE)
    outcome: Outcome
    response: str = Field(description="The answer with its citation marks; empty where it says nothing.")
    citations: list[CitedSource] = Field(description="The sources the answer uses.")
    search_results: list[SearchResult] = Field(description="The documents found.")

    @classmethod
    def of(cls, known: KnownAbout) -> Self:
        """Translate what is known."""
        return cls(
            about=known.about,
            line=known.line,
            outcome=known.outcome,
            response=known.answer,
            citations=[CitedSource.of(citation) for citation in known.citations],
            search_results=[SearchResult.of(hit) for hit in known.hits],
        )
