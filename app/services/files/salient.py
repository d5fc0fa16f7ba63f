"""What of a file a conversation keeps: all of a small one, else its beginning and what stands around its errors."""

from collections.abc import Iterable, Iterator

from app.domain.files import FileFindings, Severity
from app.services.files.chunking import Chunk, CountTokens
from app.services.files.scanning import Redact

MOST_PASSAGES = 64
TOKENS = 200
_HEAD = 4
"""How many passages of the beginning of a large file are kept."""


class Salient:
    """Collects passages while a file is read."""

    def __init__(self, count: CountTokens, redact: Redact) -> None:
        self._count = count
        self._redact = redact
        self._begun: list[str] = []
        self._tokens = 0
        self._passages: list[str] = []
        self._whole = True

    def add(self, chunk: Chunk) -> None:
        """Read on; what is beyond the most that is kept is left out."""
        if not self._whole:
            return
        for _, text in chunk.rows:
            for part in _short(text, self._count):
                self._take(part)
            if len(self._passages) > MOST_PASSAGES:
                self._whole = False
                del self._passages[MOST_PASSAGES:]
                return

    def passages(self, findings: FileFindings, summary: str) -> tuple[str, ...]:
        """Return what is kept: at most 64 passages of some 200 tokens."""
        kept = [*self._passages, "\n".join(self._begun)] if self._whole else self._passages[:_HEAD]
        if not self._whole or len(kept) > MOST_PASSAGES:
            kept = [summary, *_of_findings(findings), *self._passages[:_HEAD]]
        told = (self._redact(_cut(text, self._count)) for text in dict.fromkeys(kept) if text.strip())
        return tuple(dict.fromkeys(told))[:MOST_PASSAGES]

    def _take(self, text: str) -> None:
        tokens = self._count(text) + 1
        if self._begun and self._tokens + tokens > TOKENS:
            self._passages.append("\n".join(self._begun))
            self._begun, self._tokens = [], 0
        self._begun.append(text)
        self._tokens += tokens


def _of_findings(findings: FileFindings) -> Iterator[str]:
    """Yield traces and what stands around errors, the worst of either in turn."""
    traces = [_trace(trace.exception, trace.message, trace.frames) for trace in findings.traces]
    around = [group.context for group in findings.groups if group.severity >= Severity.WARNING]
    for at in range(max(len(traces), len(around))):
        yield from around[at : at + 1]
        yield from traces[at : at + 1]


def _trace(exception: str, message: str, frames: Iterable[str]) -> str:
    return "\n".join([f"{exception}: {message}", *frames])


def _short(text: str, count: CountTokens) -> list[str]:
    if len(text) < TOKENS or count(text) <= TOKENS:
        return [text]
    middle = len(text) // 2
    return [*_short(text[:middle], count), *_short(text[middle:], count)]


def _cut(text: str, count: CountTokens) -> str:
    while count(text) > TOKENS:
        text = text[: len(text) * 4 // 5]
    return text.strip()
