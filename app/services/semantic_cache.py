"""Answers to questions that mean the same: what is saved is the composing, never the search.

A draft is told again only where the question has the same hard facts, negations and opposites, is near in meaning, and
finds the same best document. Two questions near in meaning may still need different answers, so this is off unless
measured safe: `python -m benchmarks.semantic_cache`.
"""

import re
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.domain.answers import Draft
from app.domain.conversations import Background, Question
from app.domain.events import SourceCited, TextSaid
from app.domain.retrieval import Evidence
from app.ports import Embedder, Release
from app.services.answering.facts import hard_facts, plain
from app.services.answering.telling import told

Said: TypeAlias = AsyncGenerator[TextSaid | SourceCited | Draft, None]
Analyse = Callable[[str], tuple[str, ...]]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_NEGATIONS = frozenset(
    {"no", "not", "never", "none", "nothing", "neither", "nor", "without", "cannot", "except", "unless"}
    | {"nicht", "kein", "keine", "keinen", "ohne", "nie", "ne", "pas", "sans", "jamais", "aucun", "sin", "nunca"}
)
# Words that turn a question around, though they hardly move its vector.
_OPPOSITES = frozenset(
    {"enable", "disable", "enabled", "disabled", "on", "off", "add", "remove", "install", "uninstall", "lock", "unlock"}
    | {"before", "after", "in", "out", "up", "down", "more", "less", "first", "last", "show", "hide", "open", "close"}
    | {
        "start",
        "stop",
        "allow",
        "block",
        "mute",
        "unmute",
        "pin",
        "unpin",
        "archive",
        "unarchive",
        "follow",
        "unfollow",
    }
    | {"subscribe", "unsubscribe", "import", "export", "upload", "download", "send", "receive", "sent", "received"}
    | {"incoming", "outgoing", "from", "to", "all", "only", "every", "one", "multiple", "increase", "decrease"}
    | {"connect", "disconnect", "share", "unshare", "public", "private", "old", "new"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a question must be equal for its answer to serve another one, and the vector of its meaning."""

    scope: tuple[str, ...]
    facts: frozenset[str]
    turns: tuple[tuple[str, str], ...]
    document: str
    vector: NDArray[np.float32]

    def equals(self, other: "Asked") -> bool:
        """Tell whether all that must be equal is."""
        return (self.scope, self.facts, self.turns, self.document) == (
            other.scope,
            other.facts,
            other.turns,
            other.document,
        )


class SemanticCache:
    """The drafts of the last `size` questions; a near one has a cosine of `threshold` at least."""

    def __init__(self, embedder: Embedder, analyse: Analyse, *, threshold: float = 0.95, size: int = 500) -> None:
        self._embedder = embedder
        self._analyse = analyse
        self._threshold = threshold
        self._kept: deque[tuple[Asked, Draft]] = deque(maxlen=size)

    async def asked(self, question: Question, evidence: Evidence, scope: tuple[str, ...] = ()) -> Asked:
        """Return what of a question counts; `evidence` is what it found, and has a hit."""
        [vector] = await self._embedder.embed([question.text])
        knobs = (evidence.release, str(question.top_k), str(question.max_tokens), question.language or "")
        facts = frozenset(plain(fact) for fact in hard_facts(question.text))
        return Asked((*scope, *knobs), facts, self._turns(question.text), evidence.hits[0].document.id, vector)

    def find(self, asked: Asked, evidence: Evidence) -> Draft | None:
        """Return the draft of the nearest question it may be told for, or None; all it cites is in the evidence."""
        found = {hit.document.id for hit in evidence.hits}
        near = [
            (float(asked.vector @ other.vector), draft)
            for other, draft in self._kept
            if asked.equals(other) and found.issuperset(citation.document_id for citation in draft.citations)
        ]
        best = max(near, key=lambda item: item[0], default=None)
        return best[1] if best is not None and best[0] >= self._threshold else None

    def keep(self, asked: Asked, draft: Draft) -> None:
        """Keep a draft; the oldest makes room."""
        self._kept.append((asked, draft))

    def _turns(self, text: str) -> tuple[tuple[str, str], ...]:
        """Return the words that turn the meaning, each negation with the word it turns, sorted."""
        words = [word.casefold().replace("’", "'") for word in _WORD.findall(text)]
        found = Counter[tuple[str, str]]()
        for at, word in enumerate(words):
            if word in _NEGATIONS or word.endswith("n't"):
                terms = self._analyse(" ".join(words[at + 1 :]))
                found["not", terms[0] if terms else ""] += 1
            elif word in _OPPOSITES:
                found[word, ""] = 1
        return tuple(sorted(found.elements()))


class Composes(Protocol):
    """Makes drafts of evidence, as the composer does."""

    @property
    def rules_version(self) -> str:
        """Name everything of the composing that could change an answer."""
        ...

    @property
    def writes(self) -> bool:
        """Tell whether there are answers that a model writes."""
        ...

    def needed(self, question: Question) -> int:
        """Return how many tokens of a prompt are for instructions and evidence, at most."""
        ...

    def stream(
        self, question: Question, evidence: Evidence, release: Release, background: Background | None = None
    ) -> Said:
        """Tell an answer as it is composed, then its draft; `evidence` must be sufficient."""
        ...


class RecallingComposer:
    """A composer that first looks for a question that means the same; only of questions without any context."""

    def __init__(self, composer: Composes, cache: SemanticCache) -> None:
        self._composer = composer
        self._cache = cache

    @property
    def rules_version(self) -> str:
        """Name the composer's rules, and that answers may be recalled."""
        return f"{self._composer.rules_version}/recalling"

    @property
    def writes(self) -> bool:
        """Tell whether there are answers that a model writes."""
        return self._composer.writes

    def needed(self, question: Question) -> int:
        """Return how many tokens of a prompt are for instructions and evidence, at most."""
        return self._composer.needed(question)

    async def stream(
        self, question: Question, evidence: Evidence, release: Release, background: Background | None = None
    ) -> Said:
        """Tell a draft that was kept, or what the composer says; what stands in for a failed model is not kept."""
        asked = None
        if background is None and _context_free(question) and evidence.hits:
            asked = await self._cache.asked(question, evidence, (self._composer.rules_version,))
            known = self._cache.find(asked, evidence)
            if known is not None:
                for event in told(known):
                    yield event
                yield known
                return
        async with aclosing(self._composer.stream(question, evidence, release, background)) as composing:
            async for item in composing:
                if asked is not None and isinstance(item, Draft) and item.sentences and not item.degraded:
                    self._cache.keep(asked, item)
                yield item


def _context_free(question: Question) -> bool:
    bare = Question(question.text)
    return question.conversation_id is None and (question.device, question.filters) == (bare.device, bare.filters)
