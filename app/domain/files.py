"""Files that people attach to a conversation, and what is found in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from app.domain.answers import Answer, Citation, Outcome
from app.domain.retrieval import Hit


class FileKind(StrEnum):
    """What a file is, told by its content."""

    LOG = "log"
    TABLE = "table"
    DATA = "data"
    TEXT = "text"
    DOCUMENT = "document"


class Severity(IntEnum):
    """How bad a line is; higher is worse."""

    NONE = 0
    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4
    FATAL = 5


class CodeFamily(StrEnum):
    """Whose error code it is."""

    HRESULT = "hresult"
    NTSTATUS = "ntstatus"
    HTTP = "http"
    ERRNO = "errno"
    EVENT_ID = "event_id"
    VENDOR = "vendor"
    SYMBOL = "symbol"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the structure of a file tells; zero and empty where its format has no such thing."""

    pages: int = 0
    records: int = 0
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a file's text, cut anywhere; `share` (0..1] of the file is read with it."""

    text: str
    share: float


@dataclass(frozen=True, slots=True)
class FileText:
    """A file that is what its name says.

    `pieces` yields its text once, in order, and blocks while it reads. `encoding` is empty where the text was taken
    out of a format of its own (PDF, Word).
    """

    format: str
    encoding: str
    shape: Shape
    pieces: Iterator[Piece]


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """What was checked of an upload before its content is read: `name` is for people alone, `size` is in bytes."""

    id: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """An error code as it is written, and whose it is."""

    code: str
    family: CodeFamily


@dataclass(frozen=True, slots=True)
class Span:
    """When something was logged: first and last, in UTC where `zoned`, else on the clock of whoever logged."""

    first: datetime
    last: datetime
    zoned: bool


@dataclass(frozen=True, slots=True)
class MessageGroup:
    """Messages that differ in numbers and names alone. `lines` are the first ones, from 1."""

    template: str
    severity: Severity
    count: int
    lines: tuple[int, ...]
    last_line: int
    excerpt: str
    context: str
    span: Span | None = None
    codes: tuple[ErrorCode, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeCount:
    """How often an error code was found; `line` is the first one."""

    code: ErrorCode
    count: int
    line: int


@dataclass(frozen=True, slots=True)
class StackTrace:
    """A stack trace, counted with those of the same exception raised at the same place."""

    language: str
    exception: str
    message: str
    frames: tuple[str, ...]
    line: int
    last_line: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class ChunkFindings:
    """What was found in one chunk; `number` counts from 1. `failure` is empty unless all attempts failed."""

    number: int
    first_line: int
    last_line: int
    tokens: int
    errors: int = 0
    warnings: int = 0
    traces: int = 0
    codes: tuple[str, ...] = ()
    span: Span | None = None
    summary: str = ""
    attempts: int = 1
    failure: str = ""


@dataclass(frozen=True, slots=True)
class KnownAbout:
    """What the knowledge base says about one of the file's errors; `answer` is empty where it says nothing."""

    about: str
    line: int
    outcome: Outcome
    answer: str = ""
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file is: `lines` and `tokens` of its text, `layout` the form of its lines where it is a log."""

    kind: FileKind
    format: str
    layout: str
    encoding: str
    language: str
    lines: int
    tokens: int
    shape: Shape
    span: Span | None


@dataclass(frozen=True, slots=True)
class FileFindings:
    """All that was found in the text: worst first, the most frequent first among equals."""

    levels: tuple[tuple[Severity, int], ...] = ()
    groups: tuple[MessageGroup, ...] = ()
    codes: tuple[CodeCount, ...] = ()
    traces: tuple[StackTrace, ...] = ()
    ungrouped: int = 0


@dataclass(frozen=True, slots=True)
class FileAnalysis:
    """One analysis of a whole file. `troubles` name what could not be done: the analysis is partial then."""

    file: IncomingFile
    conversation_id: str
    message_id: str
    facts: FileFacts
    findings: FileFindings
    summary: str
    told: str
    chunks: tuple[ChunkFindings, ...]
    chunks_total: int
    known: tuple[KnownAbout, ...] = ()
    answer: Answer | None = None
    passages: int = 0
    persisted: bool = False
    troubles: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class FileProgress:
    """How far an analysis is: `chunks` is an estimate until all are read."""

    percent: int
    phase: str
    chunk: int = 0
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class FileAnalysed:
    """The analysis; nothing follows."""

    analysis: FileAnalysis


FileEvent = FileProgress | FileAnalysed
