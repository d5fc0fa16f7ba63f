"""Builds documents, evidence and chat services for tests of answers: all in memory, nothing of it a model."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.generators.echo_generator import EchoGenerator
from app.adapters.index.bm25_index import Bm25Index
from app.adapters.index.faiss_index import FaissIndex
from app.adapters.stores.memory_store import MemoryStore
from app.domain.answers import Answer
from app.domain.knowledge import (
    Document,
    DocumentKind,
    Passage,
    PassageKind,
    Risk,
    Section,
    SectionKind,
    Step,
)
from app.domain.releases import Manifest
from app.domain.retrieval import Evidence, Hit
from app.ports import ConversationStore, Embedder, Generator, Release, ResponseCache
from app.services.answering.composer import Composer, ComposeRules
from app.services.answering.grounding import Grounder, GroundingRules
from app.services.chat import ChatService
from app.services.knowledge.building import embed_documents
from app.services.knowledge.passages import cut
from app.services.releases.current import CurrentSearch
from app.services.retrieval.calibration import UNCALIBRATED
from app.services.retrieval.retriever import RetrievalRules, Retriever
from tests.answer_spies import DictCache


def words(text: str) -> int:
    """Count a text's words: the tokens of tests."""
    return len(text.split())


def article(
    name: str,
    title: str,
    *,
    symptom: str = "",
    cause: str = "",
    steps: Sequence[str] = (),
    fallback: str = "",
    body: str = "",
    **metadata: object,
) -> Document:
    """Return an article; a step that begins with `[admin]` or `[destructive]` carries that label."""
    texts = (
        ("Symptom", SectionKind.SYMPTOM, symptom),
        ("Cause", SectionKind.CAUSE, cause),
        ("Steps", SectionKind.STEPS, "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))),
        ("If that did not help", SectionKind.FALLBACK, fallback),
        ("Where versions differ", SectionKind.BODY, body),
    )
    listed = tuple(Step(number, step, _risk(step)) for number, step in enumerate(steps, 1))
    sections = tuple(
        Section(heading, kind, text, listed if kind is SectionKind.STEPS else ())
        for heading, kind, text in texts
        if text
    )
    return Document(name, DocumentKind.ARTICLE, title, sections, metadata=metadata)


def _risk(step: str) -> Risk:
    label = step.partition("]")[0].removeprefix("[")
    return Risk(label) if step.startswith("[") else Risk.NONE


def ticket(name: str, title: str, problem: str, resolution: str, of: str | None = None) -> Document:
    """Return a solved ticket, `of` being the article that holds the same fix."""
    sections = (
        Section("Problem", SectionKind.SYMPTOM, problem),
        Section("Resolution", SectionKind.BODY, resolution),
    )
    return Document(name, DocumentKind.TICKET, title, sections, metadata={"article": of} if of else {})


def page(name: str, title: str, text: str) -> Document:
    """Return a page of a corpus, which has no sections of known kinds."""
    return Document(name, DocumentKind.PAGE, title, (Section("", SectionKind.BODY, text),))


def release_of(*documents: Document, name: str = "r1", embedder: Embedder | None = None) -> Release:
    """Return a release over documents."""
    chosen = embedder or HashingEmbedder()
    with ThreadPoolExecutor(1) as apart:  # the test itself may run in an event loop
        content = apart.submit(asyncio.run, embed_documents(documents, chosen, "test")).result()
    titles = {document.id: document.title for document in documents}
    rows = [(row.searchable(titles[row.document_id]), row.language) for row in content.passages]
    spec = chosen.spec
    manifest = Manifest(
        release=name,
        created_at="2026-11-21T09:30:00+00:00",
        sources="test",
        model_id=spec.model_id,
        model_digest=spec.digest,
        dimension=spec.dimension,
        documents=len(documents),
        passages=len(content.passages),
        metric="inner_product",
        files={},
    )
    listed = {document.id: document for document in documents}
    return Release(manifest, listed, content.passages, FaissIndex.build(content.vectors), Bm25Index(rows))


def passage_of(document: Document, kind: PassageKind) -> Passage:
    """Return a document's first passage of a kind."""
    return next(passage for passage in cut(document) if passage.kind is kind)


def hit_of(document: Document, kind: PassageKind | None = None, score: float = 0.9) -> Hit:
    """Return a document as found by its first passage (of a kind)."""
    passage = cut(document)[0] if kind is None else passage_of(document, kind)
    return Hit(document, passage, score, 0.8, 1.0)


def evidence_of(*hits: Hit | Document, query: str = "question", sufficient: bool = True) -> Evidence:
    """Return evidence; a document stands for its first passage."""
    found = tuple(item if isinstance(item, Hit) else hit_of(item) for item in hits)
    return Evidence(query, found, found[0].score if found else 0.0, sufficient, "r1")


def grounder_of(release: Release, embedder: Embedder | None = None, rules: GroundingRules | None = None) -> Grounder:
    """Return a grounder over a release's words."""
    return Grounder(embedder or HashingEmbedder(), release.lexical.analyse, rules or GroundingRules())


def retriever_of(release: Release, *, threshold: float = 0.2, language: str = "en") -> Retriever:
    """Return a retriever; every question is taken to be in `language`."""
    rules = RetrievalRules(0.2, UNCALIBRATED, threshold)
    return Retriever(release, HashingEmbedder(), rules, lambda _text: language)


def search_of(release: Release, *, threshold: float = 0.2, language: str = "en") -> CurrentSearch:
    """Return the search in use, over a release."""
    current = CurrentSearch(lambda opened: retriever_of(opened, threshold=threshold, language=language))
    current.switch(release)
    return current


def chat_of(
    release: Release,
    *,
    generator: Generator | None = None,
    rules: ComposeRules | None = None,
    store: ConversationStore | None = None,
    cache: ResponseCache | None = None,
    threshold: float = 0.2,
    language: str = "en",
    count: Callable[[str], int] = words,
) -> ChatService:
    """Return the whole chain over a release, with hashed words for meaning."""
    return ChatService(
        search=search_of(release, threshold=threshold, language=language).pinned,
        composer=Composer(count, generator, grounder_of(release), rules or ComposeRules()),
        store=store or MemoryStore(),
        cache=cache or DictCache(),
    )


def echo(script: Mapping[str, str]) -> EchoGenerator:
    """Return a generator that answers prompts holding a key with its value."""
    return EchoGenerator(script)


def comparable(answer: Answer) -> Answer:
    """Return an answer without what differs from one asking to the next."""
    blank = replace(answer, conversation_id="", message_id="", processing_time=0.0, cached=False)
    return replace(blank, timestamp=datetime(2026, 1, 1, tzinfo=UTC))


TEAMS = article(
    "teams-clear-cache",
    "Clear the cache of Teams",
    symptom="Teams hangs while loading. Messages are visible at https://teams.microsoft.com in a browser.",
    cause="The local cache of the app is damaged. Chats are on the server.",
    steps=(
        "Right-click the Teams icon in the notification area and choose **Quit**.",
        "Check in Task Manager (`Ctrl+Shift+Esc`) that no `ms-teams.exe` is left.",
        r"Press `Win+R` and open `%localappdata%\Packages\MSTeams\LocalCache`.",
        "[destructive] Press `Ctrl+A` and delete everything in this folder.",
        "Start Teams and wait 3 minutes; the first start takes longer.",
    ),
    fallback=(
        "Reset the app in **Settings > Apps > Installed apps > Microsoft Teams > Advanced options > Reset**. "
        "Then call the service desk."
    ),
    category="meetings",
)
VPN = article(
    "vpn-error-809",
    "VPN error 809: the server does not respond",
    symptom="The VPN client reports error 809 and 802.1X is on.",
    cause="A router drops the packets of the tunnel.",
    steps=(
        "Restart the router and connect the VPN again.",
        "Do not close the VPN window; open the router page at `https://192.168.1.1/setup`.",
        "[admin] Allow UDP ports 500 and 4500 in the firewall.",
        r"[admin] Run `netsh interface ipv4 reset` and look into `C:\Windows\Temp\vpn.log`.",
        "Never share your password with anybody.",
    ),
    fallback="Connect through a phone's hotspot. Tell the network team the time of the attempt.",
    category="vpn",
)
PRINTER = ticket(
    "T-1001",
    "Printer prints blank pages",
    "Every page comes out empty since the toner was changed.",
    "The seal of the new toner was still on. We pulled the orange strip and printed a test page.",
)
WIKI = page(
    "wiki-badge",
    "Badge office",
    "The badge office is in building 4. It opens at 8:00 and closes at 16:30. Bring your old badge.",
)
