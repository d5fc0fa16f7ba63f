"""Grounding: a sentence may be said only if a passage carries it.

A passage carries a sentence when it holds the sentence word for word; or when every hard fact of the sentence stands in
it, enough of the sentence's words do, the sentence denies nothing the passage affirms, and the two are near in meaning.
Thresholds are calibrated on the tune half of the product's own questions by `python -m app eval calibrate`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.domain.knowledge import Document, Passage
from app.ports import Embedder
from app.services.answering.facts import hard_facts, plain, stands_in
from app.services.answering.sentences import sentences, without_number

Analyse = Callable[[str], Sequence[str]]
_NOT: Final = re.compile(
    r"\b(?:not|never|no|don'?t|doesn'?t|cannot|can'?t|without|avoid|isn'?t|won'?t|nicht|kein\w*)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a passage carries a sentence; `missing` are the hard facts it does not hold.

    `denied` tells that one of the sentence and its nearest sentence in the passage says no, and the other does not.
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
        self._rules = rules

    async def best(
        self, texts: Sequence[str], passages: Sequence[tuple[Document, Passage]]
    ) -> list[tuple[Verdict, int]]:
        """Return, for every sentence, the best verdict and the index of the passage it is about."""
        if not passages:
            return [(Verdict(carried=False, cosine=0.0, words=0.0), -1) for _ in texts]
        inside = [sentences(passage.text) or [passage.text] for _, passage in passages]
        flat = [without_number(sentence) for group in inside for sentence in group]
        vectors = await self._embedder.embed([*(without_number(text) for text in texts), *flat])
        cosines = vectors[: len(texts)] @ vectors[len(texts) :].T
        ends = np.cumsum([len(group) for group in inside])
        found = []
        for text, row in zip(texts, cosines, strict=True):
            near = [(float(part.max()), int(part.argmax())) for part in np.split(row, ends[:-1])]
            verdicts = [
                self.judge(text, document, passage, cosine, inside[at][nearest])
                for at, ((document, passage), (cosine, nearest)) in enumerate(zip(passages, near, strict=True))
            ]
            best = max(range(len(verdicts)), key=lambda at: (verdicts[at].carried, verdicts[at].cosine))
            found.append((verdicts[best], best))
        return found

    def judge(self, text: str, document: Document, passage: Passage, cosine: float, nearest: str) -> Verdict:
        """Judge one sentence against one passage, `nearest` being the passage's nearest sentence, at `cosine`."""
        if verbatim(text, passage):
            return Verdict(carried=True, cosine=1.0, words=1.0)
        source = f"{document.title}\n{passage.heading}\n{passage.text}"
        bare = without_number(text)
        missing = tuple(fact for fact in hard_facts(bare) if not stands_in(fact, source))
        words = self._share(bare, source)
        denied = bool(_NOT.search(bare)) != bool(_NOT.search(nearest))
        verdict = Verdict(carried=False, cosine=cosine, words=words, missing=missing, denied=denied)
        return replace(verdict, carried=self._rules.near(verdict))

    def _share(self, text: str, source: str) -> float:
        """Return the share of a sentence's index terms that stand in a source."""
        terms = set(self._analyse(text))
        return len(terms & set(self._analyse(source))) / len(terms) if terms else 0.0


def verbatim(text: str, passage: Passage) -> bool:
    """Tell whether a sentence stands in a passage word for word, markup and white space aside."""
    bare = plain(without_number(text))
    return bool(bare) and bare in plain(passage.text)
