"""One file on its way through: chunk after chunk is scanned and added up. Blocks: it is called in a thread."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.files import ChunkFindings, FileText, Severity
from app.errors import DocumentRefused
from app.services.files.chunking import Chunk, CountTokens, chunks
from app.services.files.describing import Sample, sampled
from app.services.files.salient import Salient
from app.services.files.scanning import Redact, Scan, Scanner, looks_like_log
from app.services.files.tally import Tally

log = logging.getLogger(__name__)

ATTEMPTS = 3
_BATCH_SECONDS = 0.1
"""How long a thread works before it looks whether anybody still waits."""

_PAUSE_SECONDS = 0.0002

Scans = Callable[[Chunk], Scan]


@dataclass(frozen=True)
class Tools:
    """What reading takes: a counter of tokens, what removes credentials, what tells a language, and the time."""

    count: CountTokens
    redact: Redact
    language: Callable[[str], str]
    today: Callable[[], datetime]
    scanner: Callable[..., Scans] = lambda **given: Scanner(**given).scan


class Reading:
    """Reads a file's text in batches, one thread at a time. `shortlist` are the chunks worth a summary."""

    def __init__(self, text: FileText, tools: Tools, chunk_tokens: int, shortlisted: int) -> None:
        self._tools = tools
        self._chunks: Iterator[Chunk] = chunks(text.pieces, tools.count, chunk_tokens)
        self._format = text.format
        self._shortlisted = shortlisted
        self._scan: Scans | None = None
        self._any = False
        self.tally = Tally(tools.redact)
        self.salient = Salient(tools.count, tools.redact)
        self.sample = Sample(logs=False, layout="", language="en")
        self.shortlist: list[tuple[int, Chunk]] = []
        self.failed: list[int] = []
        self.share = 0.0

    @property
    def expected(self) -> int:
        """How many chunks there will be, as far as can be told."""
        done = self.tally.chunks
        return done if self.share >= 1 else max(done + 1, math.ceil(done / max(self.share, 1e-6)))

    def batch(self) -> bool:
        """Read on for a moment; tell whether there is more. Raises DocumentRefused where there is no text at all."""
        until = time.monotonic() + _BATCH_SECONDS
        for chunk in self._chunks:
            self._read(chunk)
            # So that the event loop, which waits for the interpreter, has it at once.
            time.sleep(_PAUSE_SECONDS)
            if time.monotonic() > until:
                return True
        if not self.tally.chunks or not self._any:
            raise DocumentRefused("no_text", "holds no text that can be read")
        self.share = 1.0
        return False

    def _read(self, chunk: Chunk) -> None:
        if self._scan is None:
            logs = self._format == "log" or looks_like_log(chunk.rows, self._tools.today)
            self.sample = sampled(chunk.rows, logs=logs, language=self._tools.language)
            self._scan = self._tools.scanner(logs=logs, today=self._tools.today, redact=self._tools.redact)
        self.share = chunk.share
        self._any = self._any or any(not text.isspace() and text for _, text in chunk.rows)
        self.salient.add(chunk)
        found = self._attempted(self._scan, chunk)
        if isinstance(found, ChunkFindings):
            self.failed.append(chunk.number)
            self.tally.note(found)
            return
        scan, attempts = found
        self.tally.add(scan, attempts)
        self._consider(scan)

    def _attempted(self, scan: Scans, chunk: Chunk) -> tuple[Scan, int] | ChunkFindings:
        """Return what a chunk holds and after how many attempts, or that none of them told."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return scan(chunk), attempt
            except (ArithmeticError, LookupError, ValueError):
                # Whatever one chunk holds must not take the analysis of all others along.
                log.warning("chunk not analysed", exc_info=True, extra={"chunk": chunk.number, "attempt": attempt})
        failed = replace(Scan(chunk).findings(), attempts=ATTEMPTS)
        return replace(failed, failure="could not be analysed")

    def _consider(self, scan: Scan) -> None:
        """Keep the chunks in which most went wrong; the first ones among equals."""
        bad = scan.levels[Severity.ERROR] + scan.levels[Severity.FATAL] + len(scan.traces)
        self.shortlist.append((bad, scan.chunk))
        self.shortlist.sort(key=lambda item: (-item[0], item[1].number))
        del self.shortlist[self._shortlisted :]
