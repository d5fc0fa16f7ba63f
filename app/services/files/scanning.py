"""What one chunk of a file holds: levels, messages, error codes, stack traces, times. Blocks; nothing is guessed."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.files import ChunkFindings, ErrorCode, Severity, Span, StackTrace
from app.services.files import levels
from app.services.files.chunking import Chunk, Row
from app.services.files.codes import codes_in
from app.services.files.templates import rough_of, template_of
from app.services.files.times import Clock, Moment, widened
from app.services.files.traces import traces_in

EXCERPT_CHARS = 300
_CONTEXT_ROWS = 3
_CONTEXT_CHARS = 900
_MOST_CODES = 10
_TOLD_CODES = 20

Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Message:
    """One line that says something. `context` (what stands around it) is only there for errors and warnings."""

    line: int
    severity: Severity
    template: str
    excerpt: str
    context: str
    moment: Moment | None
    codes: tuple[ErrorCode, ...]


@dataclass(slots=True)
class Scan:
    """All that was found in one chunk."""

    chunk: Chunk
    levels: Counter[Severity] = field(default_factory=Counter)
    messages: list[Message] = field(default_factory=list)
    traces: list[StackTrace] = field(default_factory=list)
    span: Span | None = None

    def findings(self) -> ChunkFindings:
        """Return the short form of it that a reader sees."""
        codes = Counter(code.code for message in self.messages for code in message.codes)
        rows = self.chunk.rows
        return ChunkFindings(
            number=self.chunk.number,
            first_line=rows[0][0],
            last_line=rows[-1][0],
            tokens=self.chunk.tokens,
            errors=self.levels[Severity.ERROR] + self.levels[Severity.FATAL],
            warnings=self.levels[Severity.WARNING],
            traces=len(self.traces),
            codes=tuple(code for code, _ in codes.most_common(_TOLD_CODES)),
            span=self.span,
        )


class Scanner:
    """Scans chunks; calls may overlap. `logs`: the text is a log, whose words count where it states no level."""

    def __init__(self, *, logs: bool, today: Callable[[], datetime], redact: Redact) -> None:
        self._logs = logs
        self._clock = Clock(today)
        self._redact = redact

    def scan(self, chunk: Chunk) -> Scan:
        """Return what a chunk holds."""
        found = Scan(chunk)
        traces, inside = traces_in(chunk.rows)
        found.traces = [self._trace(trace) for trace in traces]
        last: Moment | None = None
        for at, (number, text) in enumerate(chunk.rows):
            if at in inside or not text or text.isspace():
                continue
            moment, start, end = self._clock.read(text)
            if moment is not None:
                last = moment
                found.span = widened(found.span, Span(moment[0], moment[0], moment[1]))
            goes_on = text[0] in " \t" and moment is None
            severity, codes = self._judged(text, goes_on=goes_on)
            found.levels[severity] += 1
            if severity >= Severity.WARNING or (self._logs and not goes_on):
                message = self._message(text, start, end)
                found.messages.append(self._said(chunk.rows, at, number, severity, message, moment or last, codes))
        return found

    def _judged(self, text: str, *, goes_on: bool) -> tuple[Severity, tuple[ErrorCode, ...]]:
        status = levels.status_of(text)
        if status:
            severity = levels.of_status(status)
            bad = severity >= Severity.WARNING
            return severity, codes_in(f"HTTP {status}") if bad else ()
        severity = levels.stated(text)
        if severity is Severity.NONE and self._logs and not goes_on:
            severity = levels.of_words(text)
        if severity >= Severity.WARNING or not self._logs or "0x" in text:
            codes = codes_in(text)
            if codes and severity is Severity.NONE and not self._logs:
                severity = Severity.ERROR
            return severity, codes
        return severity, ()

    def _message(self, text: str, start: int, end: int) -> str:
        """Return a line without its time; what stands before the time is its source, and stays."""
        return f"{text[:start]}{text[end:]}".strip(" \t-:|,;[]") if end else text.strip()

    def _said(
        self,
        rows: Sequence[Row],
        at: int,
        number: int,
        severity: Severity,
        message: str,
        moment: Moment | None,
        codes: tuple[ErrorCode, ...],
    ) -> Message:
        if severity < Severity.WARNING:
            return Message(number, severity, rough_of(message), "", "", moment, codes)
        template = template_of(message)
        return Message(number, severity, template, rows[at][1][:EXCERPT_CHARS], _around(rows, at), moment, codes)

    def _trace(self, trace: StackTrace) -> StackTrace:
        frames = tuple(map(self._redact, trace.frames))
        return StackTrace(
            trace.language, trace.exception, self._redact(trace.message), frames, trace.line, trace.last_line
        )


def _around(rows: Sequence[Row], at: int) -> str:
    near = rows[max(0, at - _CONTEXT_ROWS) : at + _CONTEXT_ROWS + 1]
    return "\n".join(text[:EXCERPT_CHARS] for _, text in near)[:_CONTEXT_CHARS]


def looks_like_log(rows: Sequence[Row], today: Callable[[], datetime]) -> bool:
    """Tell whether lines are those of a log: a third of them begin with a time, or state a level."""
    clock = Clock(today)
    told = [text for _, text in rows if text.strip()]
    marked = sum(1 for _ in _marked(told, clock))
    return bool(told) and marked * 3 >= len(told)


def _marked(told: Sequence[str], clock: Clock) -> Iterator[str]:
    for text in told:
        if clock.read(text)[0] is not None or levels.status_of(text) or levels.stated(text) is not Severity.NONE:
            yield text
