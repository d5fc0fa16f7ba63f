"""Builds a service of files over fakes, and logs to send to it."""

import io
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from fakes import FakeChat, FakeSearch

from app.adapters.extraction.extractor import ConfinedExtractor
from app.adapters.extraction.limits import Limits
from app.adapters.extraction.whole import ConfinedFileReader
from app.adapters.stores.memory_store import MemoryStore
from app.adapters.tokens import open_counter
from app.domain.files import FileAnalysed, FileAnalysis, FileEvent, FileProgress
from app.services.admission import Admission
from app.services.files.keeping import FileShelf
from app.services.files.knowing import KnowledgeOf
from app.services.files.masking import masked
from app.services.files.reading import Tools
from app.services.files.service import FileQuestion, FileRules, FileService
from app.services.seams import Chat, Search
from app.services.summarising import Summariser

SUFFIXES = frozenset({"txt", "md", "json", "log", "csv", "pdf", "docx"})
MEGA = 1_000_000
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
OWNER = "ada"


def log_text(size: int, seed: int = 1) -> str:
    """Return a server's log of about `size` characters: a few errors, warnings and stack traces among the rest."""
    chance, lines, length, at = random.Random(seed), list[str](), 0, 0  # noqa: S311
    kinds = [
        ("INFO", "Request {} served to user{}@example.com in {} ms"),
        ("DEBUG", "poll {} {} {}"),
        ("WARN", "Slow query {} on host{} took {} ms"),
        ("ERROR", "Could not deliver message {} to 10.0.{}.{}: 0x80040115"),
    ]
    while length < size:
        level, text = chance.choices(kinds, [70, 26, 3, 1])[0]
        told = text.format(*(chance.randrange(255) for _ in range(3)))
        stamp = f"2026-11-21 {at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02},{at % 1000:03}"
        line = f"{stamp} {level} [worker-{chance.randrange(9)}] com.acme.Mail - {told}\n"
        if chance.random() < 0.001:
            line += "java.lang.IllegalStateException: queue is closed\n" + "\tat com.acme.Mail.send(Mail.java:42)\n" * 4
        lines.append(line)
        length += len(line)
        at += 1
    return "".join(lines)


@dataclass
class Place:
    """A service of files, and what is behind it."""

    files: FileService
    store: MemoryStore
    chat: FakeChat
    search: FakeSearch
    extractor: ConfinedExtractor
    events: list[FileEvent] = field(default_factory=list)

    async def analysed(self, name: str, content: bytes, **asked: Any) -> FileAnalysis:
        """Analyse a file and return the analysis; `events` holds what was told."""
        given = FileQuestion(**({"owner": OWNER} | asked))
        self.events.clear()
        file = self.files.admit(name, len(content))
        async for event in self.files.analyse(file, io.BytesIO(content), given):
            self.events.append(event)
        last = self.events[-1]
        assert isinstance(last, FileAnalysed)
        assert all(isinstance(event, FileProgress) for event in self.events[:-1])
        return last.analysis


def tools(**changed: Any) -> Tools:
    """Return tools whose every text is English."""
    given = Tools(open_counter(), masked, lambda _: "en", lambda: NOW)
    return replace(given, **changed)


@asynccontextmanager
async def files_at(
    *,
    most: int = 11 * MEGA,
    chat: FakeChat | None = None,
    search: FakeSearch | None = None,
    summariser: Summariser | None = None,
    given: Tools | None = None,
    store: MemoryStore | None = None,
    rules: Callable[[FileRules], FileRules] = lambda rules: rules,
) -> AsyncIterator[Place]:
    """Open a service of files over a reading process."""
    held, answering, searching = store or MemoryStore(), chat or FakeChat(), search or FakeSearch()
    extractor = ConfinedExtractor(Limits(file_bytes=most, seconds=4.0), processes=1)
    chosen = rules(FileRules(SUFFIXES, most))
    service = FileService(
        rules=chosen,
        reader=ConfinedFileReader(extractor),
        tools=given or tools(),
        shelf=FileShelf(held, lambda: NOW),
        known=KnowledgeOf(_search(searching), _chat(answering), masked),
        chat=_chat(answering),
        places=Admission(chosen.at_once, chosen.waiting, chosen.wait_seconds),
        summariser=summariser,
    )
    try:
        yield Place(service, held, answering, searching, extractor)
    finally:
        extractor.close()


def _chat(fake: Any) -> Chat:
    chat: Chat = fake
    return chat


def _search(fake: Any) -> Search:
    search: Search = fake
    return search
