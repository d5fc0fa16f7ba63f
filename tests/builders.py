"""Builds small knowledge bases for tests: documents, passages, releases, retrievers."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index.store import FolderReleaseStore
from app.domain.conversations import Role, Turn
from app.domain.evaluation import Labelled
from app.domain.knowledge import Document, DocumentKind, Section, SectionKind, Step
from app.domain.releases import ReleaseContent
from app.ports import Embedder, KnowledgeSource, Release
from app.services.knowledge.building import ContentBuilder, embed_documents
from app.services.releases.current import CurrentSearch
from app.services.releases.golden import GoldenQuestions
from app.services.releases.keeper import KeeperRules, ReleaseKeeper
from app.services.retrieval.calibration import UNCALIBRATED, Calibration
from app.services.retrieval.retriever import RetrievalRules, Retriever

ARTICLE = """\
---
id: vpn-error-809
subject: "VPN error 809"
category: vpn
platform: [windows]
difficulty: easy
risk: admin
language: en
reviewed: 2026-10-12
owner: network-team
aliases:
  en: ["vpn does not connect"]
  de: ["VPN verbindet nicht"]
---

## Symptom

The client says error 809.

## Steps

1. Open the router page.
2. [admin] Allow UDP port 500.
"""
"""An article as its author writes it; tests alter it."""


def article_text(name: str, subject: str = "A subject", body: str = "Some text.") -> str:
    """Return a whole article without aliases."""
    head = ARTICLE.partition("aliases:")[0].replace("vpn-error-809", name).replace("VPN error 809", subject)
    return f"{head}---\n\n{body}\n"


def write_article(folder: Path, name: str, subject: str = "A subject", body: str = "Some text.") -> Path:
    """Write an article into a folder, made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.md"
    path.write_text(article_text(name, subject, body), encoding="utf-8")
    return path


def document(
    name: str,
    *texts: str,
    title: str = "",
    kind: DocumentKind = DocumentKind.ARTICLE,
    language: str = "en",
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    metadata: Mapping[str, object] | None = None,
    steps: Sequence[str] = (),
) -> Document:
    """Return a document with one body section per text, and its steps last."""
    sections = [Section("", SectionKind.BODY, text) for text in texts]
    if steps:
        listed = tuple(Step(number, text) for number, text in enumerate(steps, 1))
        lines = "\n".join(f"{step.number}. {step.text}" for step in listed)
        sections.append(Section("Steps", SectionKind.STEPS, lines, listed))
    return Document(
        id=name,
        kind=kind,
        title=title,
        sections=tuple(sections),
        language=language,
        aliases=aliases or {},
        metadata=metadata or {},
    )


def content(*documents: Document, dimension: int = 64, sources: str = "sources") -> ReleaseContent:
    """Return what a release of these documents holds, embedded by hashing."""
    embedding = embed_documents(documents, HashingEmbedder(dimension), sources)
    with ThreadPoolExecutor(1) as apart:  # the test itself may run in an event loop
        return apart.submit(asyncio.run, embedding).result()


def release(folder: Path, *documents: Document, dimension: int = 256) -> Release:
    """Publish documents and open the release."""
    store = FolderReleaseStore(folder)
    store.publish(content(*documents, dimension=dimension))
    return store.open(HashingEmbedder(dimension).spec)


class KnowingEmbedder(HashingEmbedder):
    """Counts one token for the words it knows, two for any other."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        super().__init__()
        self._known = frozenset(known)

    def count_tokens(self, text: str) -> int:
        return 1 if text in self._known else 2


def retriever(
    opened: Release,
    *,
    known: Sequence[str] = (),
    calibration: Calibration = UNCALIBRATED,
    threshold: float = 0.5,
    glossaries: Mapping[str, Mapping[str, str]] | None = None,
    language: str = "en",
) -> Retriever:
    """Return a retriever over a release; every question is taken to be in `language`."""
    rules = RetrievalRules(0.2, calibration, threshold, glossaries or {})
    return Retriever(opened, KnowingEmbedder(known), rules, lambda _text: language)


def keeper(
    folder: Path,
    *sources: KnowledgeSource,
    embedder: Embedder | None = None,
    questions: Sequence[Labelled] = (),
    drop: float = 0.1,
    keep: int = 2,
) -> tuple[ReleaseKeeper, CurrentSearch]:
    """Return what keeps the releases in a folder, and the search that it switches."""
    chosen = embedder or HashingEmbedder(64)
    store = FolderReleaseStore(folder, keep=keep)
    rules = RetrievalRules(0.2, UNCALIBRATED, 0.5, {})

    def search(opened: Release, embedding: Embedder) -> Retriever:
        return Retriever(opened, embedding, rules, lambda _text: "en")

    current = CurrentSearch(lambda opened: search(opened, chosen))
    golden = GoldenQuestions(questions, chosen, search)
    made = ReleaseKeeper(ContentBuilder(sources, chosen), store, store, golden, current, KeeperRules(100, drop))
    return made, current


def asked(*questions: str) -> tuple[Turn, ...]:
    """Return a conversation of questions, each of them answered."""
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    turns: list[Turn] = []
    for number, question in enumerate(questions):
        turns.append(Turn(f"q{number}", Role.USER, question, moment))
        turns.append(Turn(f"a{number}", Role.ASSISTANT, "Restart the laptop.", moment))
    return tuple(turns)


@dataclass
class ListSource:
    """The KnowledgeSource port over documents in memory."""

    held: list[Document]
    version: str = "1"

    def fingerprint(self) -> str:
        return self.version

    def documents(self) -> Iterator[Document]:
        yield from self.held
