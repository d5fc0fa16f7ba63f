"""Finds evidence: the way from a question to scored hits."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.conversations import Question, Turn
from app.domain.knowledge import Document
from app.domain.models import Vectors
from app.domain.retrieval import Evidence, Filters, Hit
from app.ports import Embedder, Release
from app.services.retrieval.calibration import Calibration, Features
from app.services.retrieval.fusion import Candidate, candidates
from app.services.retrieval.glossary import Glossary
from app.services.retrieval.query import Query, understand
from app.services.retrieval.scoring import features, in_order, scored, usual

RULES = "1"
"""Names the retrieval rules; part of the answer cache's key."""

_CONSIDERED = 50
"""How many of the nearest documents are put in order."""

_SCORED = 10
"""The least number of hits that are scored: the features compare a hit with the field behind it."""


@dataclass(frozen=True, slots=True)
class RetrievalRules:
    """The knobs: the weight of words beside meaning, when evidence is enough, phrases and their English by language."""

    lexical_weight: float
    calibration: Calibration
    threshold: float
    glossaries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Retriever:
    """The Search service over one release."""

    def __init__(
        self, release: Release, embedder: Embedder, rules: RetrievalRules, detect_language: Callable[[str], str]
    ) -> None:
        self._release = release
        self._embedder = embedder
        self._rules = rules
        self._detect = detect_language
        self._glossaries = {language: Glossary(entries) for language, entries in rules.glossaries.items()}

    @property
    def release(self) -> Release:
        """The release searched."""
        return self._release

    @property
    def rules_version(self) -> str:
        """Name everything of the retrieval that could change an answer: code rules and knobs."""
        return f"{RULES}/{self._rules.lexical_weight}/{self._rules.threshold}/{self._rules.calibration.weights}"

    def language_of(self, question: Question) -> str:
        """Return the language asked for, else the one the question seems to be in."""
        return question.language or self._detect(question.text)

    async def search(self, question: Question, history: Sequence[Turn] = ()) -> Evidence:
        """Return the `top_k` documents that most likely answer, best first."""
        query, vectors = await self._embedded(question, history)
        hits = await asyncio.to_thread(self._rank, question, query, vectors)
        answerability = hits[0].score if hits else 0.0
        return Evidence(
            query=query.text,
            hits=tuple(hits[: question.top_k]),
            answerability=answerability,
            sufficient=answerability >= self._rules.threshold,
            release=self._release.manifest.release,
        )

    async def best(self, question: Question, history: Sequence[Turn] = ()) -> tuple[str, Features] | None:
        """Return the best document's id and its features, uncalibrated; None where nothing is near at all."""
        query, vectors = await self._embedded(question, history)
        ordered = self._ordered(question, query, vectors)
        return (ordered[0].document_id, features(self._release, ordered[0], query, usual(ordered))) if ordered else None

    async def _embedded(self, question: Question, history: Sequence[Turn]) -> tuple[Query, Vectors]:
        language = self.language_of(question)
        query = understand(question, history, language, self._release.lexical, self._knows, self._glossaries)
        return query, await self._embedder.embed(query.texts)

    def _rank(self, question: Question, query: Query, vectors: Vectors) -> list[Hit]:
        return scored(self._release, self._ordered(question, query, vectors), query, self._rules.calibration)

    def _ordered(self, question: Question, query: Query, vectors: Vectors) -> list[Candidate]:
        widest = bool(question.filters)
        found = candidates(self._release, vectors, " ".join(query.texts), self._rules.lexical_weight, widest=widest)
        allowed = [item for item in found if matches(self._release.documents[item.document_id], question.filters)]
        return in_order(self._release, allowed[:_CONSIDERED], query)[: max(_SCORED, question.top_k)]

    def _knows(self, word: str) -> bool:
        return self._embedder.count_tokens(word) == 1


def matches(document: Document, filters: Filters) -> bool:
    """Tell whether a document's metadata holds, for every name asked for, one of the values."""
    return all(values & facts(document, name) for name, values in filters.must.items())


def facts(document: Document, name: str) -> frozenset[str]:
    """Return what a document says under a metadata name; `kind` and `language` are facts too."""
    if name == "kind":
        return frozenset({document.kind.value})
    if name == "language":
        return frozenset({document.language})
    value = document.metadata.get(name, ())
    return frozenset({value}) if isinstance(value, str) else frozenset(map(str, value))
