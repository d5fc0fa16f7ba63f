"""Finds evidence: the way from a question to scored hits."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from app.domain.conversations import Question, Turn
from app.domain.knowledge import Document
from app.domain.models import Vectors
from app.domain.retrieval import Evidence, Filters
from app.ports import Embedder, Release, Reranker
from app.services.retrieval.calibration import Calibration, Features
from app.services.retrieval.duplicates import Duplicates
from app.services.retrieval.environment import Environment, Fitting, environment_of
from app.services.retrieval.followups import belongs_together, rarity, standalone, surely_follows
from app.services.retrieval.fusion import DEFAULT, Candidate, Fusion, Weights
from app.services.retrieval.glossary import Glossary
from app.services.retrieval.query import Query, Reader
from app.services.retrieval.reranking import Reranking
from app.services.retrieval.scoring import features, field_of, in_order, scored

RULES = "5"
"""Names the retrieval rules; part of the answer cache's key."""

_CONSIDERED = 50
"""How many of the nearest documents are put in order."""

_SCORED = 10
"""The least number of hits that are scored: the features compare a hit with the field behind it."""

_SPARE = 4
"""How many hits more than asked for are looked at, to stand in for near-duplicates."""


@dataclass(frozen=True)
class RetrievalRules:
    """The knobs: the weight of words beside meaning, when evidence is enough, phrases and their English by language.

    `reranked` is how many candidates a reranker puts in order, where there is one.
    """

    lexical_weight: float
    calibration: Calibration
    threshold: float
    glossaries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    length_weight: float = DEFAULT.length
    reranked: int = 20

    @cached_property
    def digest(self) -> str:
        """One digest over all of them."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    @cached_property
    def translators(self) -> Mapping[str, Glossary]:
        """The glossaries, ready to be used."""
        return {language: Glossary(entries) for language, entries in self.glossaries.items()}


@dataclass(frozen=True, slots=True)
class _Found:
    """A reading of a question, the environment it is about, and its candidates, best first."""

    query: Query
    around: Environment
    ordered: list[Candidate]


class Retriever:
    """The Search service over one release."""

    def __init__(
        self,
        release: Release,
        embedder: Embedder,
        rules: RetrievalRules,
        detect_language: Callable[[str], str],
        reranker: Reranker | None = None,
    ) -> None:
        self._release = release
        self._embedder = embedder
        self._rules = rules
        self._detect = detect_language
        self._fusion = Fusion(release, Weights(rules.lexical_weight, rules.length_weight))
        self._weigh = rarity(release.lexical)
        self._fitting = Fitting(release.documents)
        self._duplicates = Duplicates()
        self._reranking = Reranking(release, reranker, rules.reranked)
        # No method of ours: a cycle would keep a whole release until the collector comes by.
        self._reader = Reader(release.lexical, lambda word: embedder.count_tokens(word) == 1, rules.translators)

    @property
    def release(self) -> Release:
        """The release searched."""
        return self._release

    @property
    def rules_version(self) -> str:
        """Name everything of the retrieval that could change an answer: code rules, knobs and the reranker."""
        return f"{RULES}/{self._rules.digest}/{self._reranking.version}"

    def language_of(self, question: Question) -> str:
        """Return the language asked for, else the one the question seems to be in."""
        return question.language or self._detect(question.text)

    async def search(self, question: Question, history: Sequence[Turn] = ()) -> Evidence:
        """Return the `top_k` documents that most likely answer, best first."""
        found = await self._found(question, history)
        ordered = await self._reranking.ordered(found.ordered, found.query, question.device)
        hits = scored(self._release, ordered, found.query, self._rules.calibration, field_of(found.ordered))
        told = [
            replace(hit, warnings=self._fitting.warnings(hit.document, found.around))
            for hit in self._duplicates.left_out(hits, question.top_k)
        ]
        answerability = hits[0].score if hits else 0.0
        return Evidence(
            query=found.query.text,
            hits=tuple(told),
            answerability=answerability,
            sufficient=answerability >= self._rules.threshold,
            release=self._release.manifest.release,
            follow_up=found.query.follow_up,
        )

    async def best(self, question: Question, history: Sequence[Turn] = ()) -> tuple[str, Features] | None:
        """Return the best document's id and its features, uncalibrated; None where nothing is near at all."""
        found = await self._found(question, history)
        ordered = await self._reranking.ordered(found.ordered, found.query, question.device)
        if not ordered:
            return None
        return ordered[0].document_id, features(self._release, ordered[0], found.query, field_of(found.ordered))

    async def _found(self, question: Question, history: Sequence[Turn]) -> "_Found":
        """Search for the question at its word, together with those before it, or whichever is the right reading."""
        language = self.language_of(question)
        whole = standalone(history, question.text, self._weigh)
        alone = self._reader.read(question, language)
        if whole == question.text:
            return (await self._search(question, [alone]))[0]
        together = self._reader.read(question, language, whole)
        if surely_follows(question.text):
            return (await self._search(question, [together]))[0]
        first, second = await self._search(question, [alone, together])
        return second if self._belongs_together(first, second, alone) else first

    async def _search(self, question: Question, queries: Sequence[Query]) -> "list[_Found]":
        """Embed all readings in one go, and put the candidates of each in order."""
        vectors = await self._embedder.embed([text for query in queries for text in query.texts])
        parts = np.split(vectors, np.cumsum([len(query.texts) for query in queries])[:-1])
        return await asyncio.to_thread(
            lambda: [self._candidates(question, query, part) for query, part in zip(queries, parts, strict=True)]
        )

    def _belongs_together(self, first: "_Found", second: "_Found", alone: Query) -> bool:
        if not first.ordered or not second.ordered:
            return bool(second.ordered)
        score = self._rules.calibration.score(self._features(first))
        own, both = (
            self._release.lexical.coverage(alone.english, self._release.rows[found.ordered[0].document_id])
            for found in (first, second)
        )
        return belongs_together(score, own, both)

    def _features(self, found: "_Found") -> Features:
        return features(self._release, found.ordered[0], found.query, field_of(found.ordered))

    def _candidates(self, question: Question, query: Query, vectors: Vectors) -> "_Found":
        around = environment_of(question, query)
        found = self._allowed(question, query, vectors)
        at_site = self._at_site(found, around)
        if len(at_site) < min(question.top_k, len(found)):
            found = self._allowed(question, query, vectors, widest=True)
            at_site = self._at_site(found, around)
        considered = (at_site or found)[:_CONSIDERED]
        ordered = in_order(self._release, considered, query, lambda name: self._fitting.penalty(name, around))
        return _Found(query, around, ordered[: max(_SCORED, question.top_k + _SPARE, self._reranking.depth)])

    def _allowed(self, question: Question, query: Query, vectors: Vectors, *, widest: bool = False) -> list[Candidate]:
        documents, filters = self._release.documents, question.filters
        rows = self._fusion.rows_of(lambda name: matches(documents[name], filters)) if filters else None
        return self._fusion.candidates(vectors, " ".join(query.texts), allowed=rows, widest=widest)

    def _at_site(self, found: list[Candidate], around: Environment) -> list[Candidate]:
        return [item for item in found if self._fitting.holds_at_site(item.document_id, around)]


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
