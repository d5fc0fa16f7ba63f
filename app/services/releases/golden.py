"""Golden questions: what two releases find for the same labelled questions."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from app.domain.conversations import Question
from app.domain.evaluation import Labelled
from app.domain.models import EmbedderSpec, Vectors
from app.domain.releases import GoldenDifference
from app.ports import Embedder, Release
from app.services.retrieval.retriever import Retriever

FIRST = 4
"""How many documents are looked at, as in recall@4."""

_REMEMBERED = 4096

OpenSearch = Callable[[Release, Embedder], Retriever]


class RememberingEmbedder:
    """An Embedder that embeds no text twice; for a bounded set of questions."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}

    @property
    def spec(self) -> EmbedderSpec:
        """The model at work."""
        return self._embedder.spec

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if len(self._known) + len(missing) > _REMEMBERED:
            self._known.clear()
            missing = list(dict.fromkeys(texts))
        if missing:
            self._known |= dict(zip(missing, await self._embedder.embed(missing), strict=True))
        return np.stack([self._known[text] for text in texts])

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return self._embedder.count_tokens(text)


class GoldenQuestions:
    """Asks the same questions of different releases; what a release found is remembered by its name."""

    def __init__(self, questions: Sequence[Labelled], embedder: Embedder, open_search: OpenSearch) -> None:
        asked = [item for item in questions if item.answerable and not item.history]
        # By a digest, so that the first so many are a fair sample whatever the order of the file.
        self._questions = sorted(asked, key=lambda item: hashlib.sha256(item.id.encode()).digest())
        self._embedder = RememberingEmbedder(embedder)
        self._open = open_search
        self._found: dict[str, dict[str, frozenset[str]]] = {}

    async def difference(self, old: Release, new: Release, limit: int | None = None) -> GoldenDifference:
        """Compare what two releases find, over at most `limit` of the questions whose documents are in both."""
        in_both = [item for item in self._questions if _held(item, old) and _held(item, new)][:limit]
        before, after = await self._hits(old, in_both), await self._hits(new, in_both)
        return GoldenDifference(
            questions=len(in_both),
            before=_share(before),
            after=_share(after),
            gained=tuple(name for name, hit in after.items() if hit and not before[name]),
            lost=tuple(name for name, hit in before.items() if hit and not after[name]),
        )

    def forget(self, names: frozenset[str]) -> None:
        """Keep what releases of these names found, and forget the others'."""
        self._found = {name: found for name, found in self._found.items() if name in names}

    async def _hits(self, release: Release, questions: Sequence[Labelled]) -> Mapping[str, bool]:
        known = self._found.setdefault(release.manifest.release, {})
        search = self._open(release, self._embedder)
        for item in questions:
            if item.id not in known:
                asked = Question(item.question, top_k=FIRST, language=item.language)
                known[item.id] = frozenset(hit.document.id for hit in (await search.search(asked)).hits)
        return {item.id: not known[item.id].isdisjoint(item.documents) for item in questions}


def _held(item: Labelled, release: Release) -> bool:
    return all(article in release.documents for article in item.documents)


def _share(hits: Mapping[str, bool]) -> float:
    return sum(hits.values()) / len(hits) if hits else 1.0
