"""Grounding: a sentence may be said only if a passage carries it.

A passage carries a sentence when it holds the whole sentence word for word; or when every hard fact and every deed of
the sentence stands in it, enough of the sentence's words do, the sentence turns nothing around, and the two are near in
meaning. Thresholds are calibrated on the tune half of the product's own questions by `python -m app eval calibrate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.domain.knowledge import Document, Passage
from app.domain.models import Vectors
from app.ports import Embedder
from app.services.answering.facts import hard_facts, plain, stands_in, unmarked
from app.services.answering.sense import Analyse, Sense
from app.services.answering.sentences import sentences, without_mark, without_number


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a passage carries a sentence; `missing` are the hard facts, deeds and names it does not hold.

    `denied` tells that the sentence says the opposite of its nearest sentence in the passage.
    """

    carried: bool
    cosine: float
    words: float
    missing: tuple[str, ...] = ()
    denied: bool = False


@dataclass(frozen=True, slots=True)
class GroundingRules:
    """What is asked of a sentence that is not word for word: least cosine, least share of its words."""

    min_cosine: float = 0.75
    min_words: float = 0.7

    def near(self, verdict: Verdict) -> bool:
        """Tell whether a sentence with these measures is carried."""
        close = verdict.cosine >= self.min_cosine and verdict.words >= self.min_words
        return close and not verdict.missing and not verdict.denied


class Grounder:
    """Judges sentences against passages."""

    def __init__(self, embedder: Embedder, analyse: Analyse, rules: GroundingRules) -> None:
        self._embedder = embedder
        self._analyse = analyse
        self.rules = rules
        self._sense = Sense(analyse, lambda word: embedder.count_tokens(word) == 1)

    def over(self, passages: Sequence[tuple[Document, Passage]]) -> "Sources":
        """Return what judges any number of sentences against the same passages."""
        return Sources(self, passages)

    async def best(
        self, texts: Sequence[str], passages: Sequence[tuple[Document, Passage]]
    ) -> list[tuple[Verdict, int]]:
        """Return, for every sentence, the best verdict and the index of the passage it is about."""
        return await self.over(passages).best(texts)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the meaning of sentences, a unit row each; their list marks do not count."""
        return await self._embedder.embed([without_number(text) for text in texts])

    def hopeless(self, text: str, document: Document, passage: Passage) -> bool:
        """Tell whether a passage cannot carry a sentence, however near in meaning the two are."""
        source, bare = source_of(document, passage), without_number(text)
        if any(not stands_in(fact, source) for fact in hard_facts(bare)):
            return True
        return self._share(bare, source) < self.rules.min_words

    def judge(self, text: str, document: Document, passage: Passage, cosine: float, nearest: str) -> Verdict:
        """Judge one sentence against one passage, `nearest` being the passage's nearest sentence, at `cosine`."""
        if verbatim(text, passage):
            return Verdict(carried=True, cosine=1.0, words=1.0)
        source = source_of(document, passage)
        bare = without_number(text)
        missing = (
            *(fact for fact in hard_facts(bare) if not stands_in(fact, source)),
            *self._sense.brought_in(bare, source, without_mark(nearest)),
        )
        words = self._share(bare, source)
        denied = self._sense.turned(bare, without_mark(nearest))
        verdict = Verdict(carried=False, cosine=cosine, words=words, missing=missing, denied=denied)
        return replace(verdict, carried=self.rules.near(verdict))

    def _share(self, text: str, source: str) -> float:
        """Return the share of a sentence's index terms that stand in a source."""
        terms = set(self._analyse(text))
        return len(terms & set(self._analyse(source))) / len(terms) if terms else 0.0


class Sources:
    """The passages an answer may rest on; calls of one answer follow each other.

    Their sentences are embedded once, when the first sentence asks for it: one that stands in a passage word for word,
    or that no passage can carry, needs no embedding.
    """

    def __init__(self, grounder: Grounder, passages: Sequence[tuple[Document, Passage]]) -> None:
        self._grounder = grounder
        self._passages = passages
        self._inside = [sentences(passage.text) or [passage.text] for _, passage in passages]
        self._vectors: Vectors | None = None

    async def carrying(self, texts: Sequence[str]) -> list[tuple[Document, Passage] | None]:
        """Return, for every sentence, the passage that carries it, or None."""
        found = [self._verbatim(text) for text in texts]
        open_ones = [at for at, text in enumerate(texts) if found[at] is None and not self._hopeless(text)]
        verdicts = await self.best([texts[at] for at in open_ones])
        for at, (verdict, passage) in zip(open_ones, verdicts, strict=True):
            found[at] = self._passages[passage] if verdict.carried else None
        return found

    async def best(self, texts: Sequence[str]) -> list[tuple[Verdict, int]]:
        """Return, for every sentence, the best verdict and the index of the passage it is about."""
        if not self._passages or not texts:
            return [(Verdict(carried=False, cosine=0.0, words=0.0), -1) for _ in texts]
        cosines = await self._cosines(texts)
        ends = np.cumsum([len(group) for group in self._inside])[:-1]
        return [self._best(text, np.split(row, ends)) for text, row in zip(texts, cosines, strict=True)]

    def _best(self, text: str, rows: Sequence[Vectors]) -> tuple[Verdict, int]:
        verdicts = []
        for (document, passage), row, inside in zip(self._passages, rows, self._inside, strict=True):
            nearest = int(row.argmax())
            verdicts.append(self._grounder.judge(text, document, passage, float(row[nearest]), inside[nearest]))
        best = max(range(len(verdicts)), key=lambda at: (verdicts[at].carried, verdicts[at].cosine))
        return verdicts[best], best

    async def _cosines(self, texts: Sequence[str]) -> Vectors:
        """Return the cosines of sentences (rows) to all sentences of the passages."""
        if self._vectors is not None:
            return await self._grounder.embed(texts) @ self._vectors.T
        both = await self._grounder.embed([*texts, *(sentence for group in self._inside for sentence in group)])
        self._vectors = both[len(texts) :]
        return both[: len(texts)] @ self._vectors.T

    def _verbatim(self, text: str) -> tuple[Document, Passage] | None:
        return next((source for source in self._passages if verbatim(text, source[1])), None)

    def _hopeless(self, text: str) -> bool:
        return all(self._grounder.hopeless(text, *source) for source in self._passages)


def source_of(document: Document, passage: Passage) -> str:
    """Return what a sentence about a passage may draw on; the numbers of steps are no facts to draw on."""
    return "\n".join([document.title, passage.heading, *map(without_mark, passage.text.splitlines())])


def verbatim(text: str, passage: Passage) -> bool:
    """Tell whether a text is one or more whole sentences of a passage, word for word; markup and white space aside.

    Part of a sentence is not enough: "share your password" stands in "never share your password".
    """
    said = _whole_sentences(text)
    return said != _NOTHING and said in _whole_sentences(passage.text)


_NOTHING = "\n"


def _whole_sentences(text: str) -> str:
    """Return the sentences of a text for comparison, a line each, between line ends."""
    bare = (plain(without_mark(sentence)).rstrip(" .!?:;…") for sentence in sentences(unmarked(text)))
    return "".join([_NOTHING, *(f"{sentence}\n" for sentence in bare if sentence)])
