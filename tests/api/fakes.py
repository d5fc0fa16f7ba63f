"""Services that answer from memory, and the application over them."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.adapters.stores.memory_store import MemoryStore
from app.application import create_app
from app.config import Settings
from app.domain.answers import Answer, Citation, Draft, Grounding, Outcome, Sentence, Usage
from app.domain.conversations import Question
from app.domain.events import AnswerFinished, ChatEvent, EvidenceFound, SourceCited, TextSaid
from app.domain.health import Check, Condition, Health
from app.domain.knowledge import Document, DocumentKind, Origin, Passage, PassageKind
from app.domain.retrieval import Evidence, Hit, HitWarning
from app.services.bundle import Services
from app.services.releases.keeper import ReleaseKeeper

CONVERSATION = "6f1d2c54-3c1b-4a7e-9f0e-2b8a6d3c9e11"


def hit(name: str = "vpn-error-809", *, score: float = 0.93) -> Hit:
    document = Document(
        id=name,
        kind=DocumentKind.ARTICLE,
        title="VPN error 809: remote server is not responding",
        sections=(),
        metadata={"category": "vpn", "platform": ["windows"], "risk": "admin", "reviewed": None, "internal": "x"},
        origin=Origin("secret/place.md", 3),
    )
    passage = Passage(
        id=f"{name}#2",
        document_id=name,
        position=2,
        kind=PassageKind.STEPS,
        heading="Steps",
        text="Open UDP ports **500** and `4500`.",
    )
    warnings = (HitWarning.VERSION_MISMATCH, HitWarning.OTHER_PLATFORM)
    return Hit(document, passage, score, cosine=0.8, lexical=1.0, warnings=warnings, duplicates=("vpn-809-copy",))


def evidence(question: Question) -> Evidence:
    hits = (hit(), hit("vpn-error-691", score=0.41))
    return Evidence(question.text, hits[: question.top_k], answerability=0.91, sufficient=True, release="r1")


def answer(question: Question) -> Answer:
    text = "1. Open UDP ports **500** and `4500`. [1]"
    draft = Draft(
        text=text,
        outcome=Outcome.ANSWERED,
        sentences=(Sentence(text, "vpn-error-809#2", 1),),
        citations=(Citation(1, "vpn-error-809", "vpn-error-809#2", "VPN error 809", "Open UDP ports 500 and 4500."),),
        grounding=Grounding("extract", sentences=1, grounded=1),
        usage=Usage(14, 19),
        model="extract",
    )
    return Answer(
        query=question.text,
        draft=draft,
        hits=evidence(question).hits,
        answerability=0.91,
        conversation_id=question.conversation_id or CONVERSATION,
        message_id=question.answer_id or "m-1",
        language=question.language or "en",
        timestamp=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
        processing_time=0.0412,
        persisted=True,
    )


def refused(question: Question) -> Answer:
    """Return the answer where there is no evidence."""
    full = answer(question)
    draft = Draft("The knowledge base has no answer to this.", Outcome.NO_CONTEXT)
    return replace(full, draft=draft, answerability=0.03)


@dataclass
class FakeChat:
    """Answers `reply(question)`, waits before it, or raises `error`; keeps what it was asked and how it ended."""

    reply: Callable[[Question], Answer] = answer
    error: Exception | None = None
    late_error: Exception | None = None
    wait: float = 0.0
    asked: list[Question] = field(default_factory=list)
    cancelled: int = 0
    closed: int = 0

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        if self.error:
            raise self.error
        try:
            await asyncio.sleep(self.wait)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.reply(question)

    async def stream(self, question: Question) -> AsyncGenerator[ChatEvent, None]:
        self.asked.append(question)
        try:
            if self.error:
                raise self.error
            finished = self.reply(question)
            yield EvidenceFound(evidence(question))
            if self.late_error:
                raise self.late_error
            await asyncio.sleep(self.wait)
            for piece in finished.draft.text.split(" "):
                yield TextSaid(f"{piece} ")
            for citation in finished.draft.citations:
                yield SourceCited(citation)
            yield AnswerFinished(finished)
        finally:
            self.closed += 1


@dataclass
class FakeSearch:
    error: Exception | None = None
    asked: list[Question] = field(default_factory=list)

    async def search(self, question: Question) -> Evidence:
        self.asked.append(question)
        if self.error:
            raise self.error
        return evidence(question)


@dataclass
class FakeHealth:
    condition: Condition = Condition.OK
    asked: int = 0

    async def report(self) -> Health:
        self.asked += 1
        index = Check("index", self.condition, "2 passages", vital=True)
        return Health((index, Check("model", Condition.OK, "extract", vital=False)))


@dataclass
class Fakes:
    chat: FakeChat = field(default_factory=FakeChat)
    search: FakeSearch = field(default_factory=FakeSearch)
    health: FakeHealth = field(default_factory=FakeHealth)
    releases: ReleaseKeeper | None = None
    opened: int = 0
    closed: int = 0

    @asynccontextmanager
    async def open(self, given: Settings) -> AsyncIterator[Services]:
        assert given.service.host
        self.opened += 1
        yield Services(self.chat, self.search, self.health, MemoryStore(), releases=self.releases)
        self.closed += 1


def settings(**service: Any) -> Settings:
    """Return the default settings, those of the service group changed; validated as at start."""
    base = Settings.load(None)
    group = type(base.service)
    return replace(base, service=group.model_validate(base.service.model_dump() | service))


def application(fakes: Fakes, **service: Any) -> FastAPI:
    return create_app(settings(**service), open_services=fakes.open)


@contextmanager
def serving(fakes: Fakes | None = None, **service: Any) -> Iterator[TestClient]:
    """Run the application over fakes and yield a client of it; any exception that escapes fails the test."""
    with TestClient(application(fakes or Fakes(), **service)) as client:
        yield client


@contextmanager
def listening(fakes: Fakes, **service: Any) -> Iterator[int]:
    """Run the application in a real server on a free port and yield the port."""
    config = uvicorn.Config(application(fakes, **service), port=0, log_config=None, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


def until(condition: Callable[[], bool], seconds: float = 5.0) -> float:
    """Wait until a condition holds and return how long that took; fail the test when it does not come to hold."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.01)
    return time.monotonic() - began
