"""What was found in all chunks together, held in bounded memory whatever the file holds."""

import math
from collections import Counter
from dataclasses import dataclass, field, replace

from app.domain.files import (
    ChunkFindings,
    CodeCount,
    ErrorCode,
    FileFindings,
    MessageGroup,
    Severity,
    Span,
    StackTrace,
)
from app.services.files.scanning import Message, Redact, Scan
from app.services.files.times import widened

MOST_GROUPS = 50
MOST_CODES = 50
MOST_TRACES = 20
MOST_CHUNKS = 100
MOST_LINES = 10
_TEMPLATES = 4000
"""How many different errors and warnings are told apart; as many different other messages."""
_DIFFERENT = 1000
_WORST = {Severity.FATAL: 6.0, Severity.ERROR: 4.0, Severity.WARNING: 1.0}


_Key = tuple[str, tuple[ErrorCode, ...]]


@dataclass(slots=True)
class _Group:
    first: Message
    severity: Severity
    count: int = 0
    lines: list[int] = field(default_factory=list)
    last_line: int = 0
    span: Span | None = None

    def add(self, message: Message) -> None:
        self.count += 1
        self.last_line = message.line
        self.severity = max(self.severity, message.severity)
        if len(self.lines) < MOST_LINES:
            self.lines.append(message.line)
        if message.moment is not None:
            moment, zoned = message.moment
            self.span = widened(self.span, Span(moment, moment, zoned))


class Tally:
    """Adds chunks up, in their order."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._groups: dict[_Key, _Group] = {}
        self._quiet: dict[_Key, _Group] = {}
        self._codes: dict[ErrorCode, CodeCount] = {}
        self._traces: dict[tuple[str, str], StackTrace] = {}
        self._levels: Counter[Severity] = Counter()
        self._chunks: list[ChunkFindings] = []
        self._ungrouped = 0
        self.lines = 0
        self.tokens = 0
        self.chunks = 0
        self.span: Span | None = None

    def add(self, scan: Scan, attempts: int = 1) -> None:
        """Add what was found in a chunk, after so many attempts."""
        self._levels.update(scan.levels)
        for message in scan.messages:
            self._group(message)
            for code in message.codes:
                self._code(code, message.line)
        for trace in scan.traces:
            self._trace(trace)
        self.span = widened(self.span, scan.span)
        self.note(replace(scan.findings(), attempts=attempts))

    def note(self, findings: ChunkFindings) -> None:
        """Add a chunk's short form: all there is of one that could not be analysed."""
        self.lines = max(self.lines, findings.last_line)
        self.tokens += findings.tokens
        self.chunks += 1
        self._chunks.append(findings)
        if len(self._chunks) > 2 * MOST_CHUNKS:
            self._chunks = self._worst_chunks()

    def told(self) -> tuple[ChunkFindings, ...]:
        """Return the chunks in which most was found, in their order."""
        return tuple(self._worst_chunks())

    def findings(self) -> FileFindings:
        """Return everything, worst first."""
        groups = sorted(self._groups.values(), key=lambda group: (-merit(group.severity, group.count), group.lines[0]))
        repeated = [group for group in self._quiet.values() if group.count > 1]
        repeated.sort(key=lambda group: (-group.count, group.lines[0]))
        codes = sorted(self._codes.values(), key=lambda code: (-code.count, code.line))
        traces = sorted(self._traces.values(), key=lambda trace: (-trace.count, trace.line))
        known = [(level, count) for level, count in sorted(self._levels.items(), reverse=True) if level]
        return FileFindings(
            levels=tuple(known),
            groups=tuple(self._as_group(group) for group in [*groups, *repeated][:MOST_GROUPS]),
            codes=tuple(codes[:MOST_CODES]),
            traces=tuple(traces[:MOST_TRACES]),
            ungrouped=self._ungrouped,
        )

    def _group(self, message: Message) -> None:
        bad = message.severity >= Severity.WARNING
        groups = self._groups if bad else self._quiet
        # What a message is about is its codes, which its template may not show.
        key = (message.template, message.codes)
        group = groups.get(key)
        if group is None:
            if len(groups) >= _TEMPLATES:
                self._ungrouped += 1
                return
            group = groups[key] = _Group(message, message.severity)
        group.add(message)

    def _code(self, code: ErrorCode, line: int) -> None:
        known = self._codes.get(code)
        if known is not None:
            self._codes[code] = replace(known, count=known.count + 1)
        elif len(self._codes) < _DIFFERENT:
            self._codes[code] = CodeCount(code, 1, line)

    def _trace(self, trace: StackTrace) -> None:
        key = (trace.exception, trace.frames[0] if trace.frames else "")
        known = self._traces.get(key)
        if known is not None:
            self._traces[key] = replace(known, count=known.count + 1)
        elif len(self._traces) < _DIFFERENT:
            self._traces[key] = trace

    def _worst_chunks(self) -> list[ChunkFindings]:
        worst = sorted(self._chunks, key=lambda one: (not one.failure, -one.errors - one.traces, -one.warnings))
        return sorted(worst[:MOST_CHUNKS], key=lambda one: one.number)

    def _as_group(self, group: _Group) -> MessageGroup:
        first = group.first
        return MessageGroup(
            template=self._redact(first.template),
            severity=group.severity,
            count=group.count,
            lines=tuple(group.lines),
            last_line=group.last_line,
            excerpt=self._redact(first.excerpt),
            context=self._redact(first.context),
            span=group.span,
            codes=first.codes,
        )


def merit(severity: Severity, count: int) -> float:
    """Return how much a message matters: how bad it is before how often it came."""
    return _WORST.get(severity, 0.0) + min(2.9, math.log10(count + 1))
