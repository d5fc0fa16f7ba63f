"""BM25 over passages, by bm25s (Lucene's variant: Robertson and Zaragoza 2009, Kamphuis et al. 2020)."""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import bm25s
import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.adapters.index.analysis import query_terms, row_terms, words
from app.domain.lexical import WordMatch
from app.domain.text import fold

# The library logs every index it builds at DEBUG, whatever level is asked for.
logging.getLogger("bm25s").setLevel(logging.WARNING)

_FUZZY_LETTERS = 4
_FUZZY_TWO_LETTERS = 8


class Bm25Index:
    """The LexicalIndex port; built in memory from the passages of a release, safe to read from several threads."""

    def __init__(self, rows: Sequence[tuple[str, str]]) -> None:
        """Index rows of (text, language)."""
        terms = [row_terms(text, language) for text, language in rows]
        self._rows = [frozenset(row) for row in terms]
        self._frequency = Counter(term for row in self._rows for term in row)
        self._words = _by_initial(word for text, _ in rows for word in words(text) if word.isalpha())
        self._bm25 = bm25s.BM25(method="lucene")
        if self._frequency:  # rows without any word cannot be indexed, and are never found by one
            self._bm25.index(terms, show_progress=False)

    def scores(self, text: str) -> NDArray[np.float32]:
        """Return the BM25 score of every row."""
        known = [stem for stems in query_terms(text) for stem in self._known(stems)]
        if not known:
            return np.zeros(len(self._rows), np.float32)
        return np.asarray(self._bm25.get_scores(known), dtype=np.float32)

    def match(self, text: str, rows: Sequence[int]) -> WordMatch:
        """Compare the informative words of a question with those of some rows taken together."""
        present = frozenset().union(*(self._rows[row] for row in rows))
        total = covered = unknown = missing = 0.0
        asked = query_terms(text)
        for known in map(self._known, asked):
            rarity = self._rarity(min((self._frequency[stem] for stem in known), default=0))
            total += rarity
            unknown += 0.0 if known else rarity
            if present.isdisjoint(known):
                missing = max(missing, rarity)
            else:
                covered += rarity
        if not total:
            return WordMatch(0.0, 0.0, 0.0, 0.0)
        return WordMatch(covered / total, unknown / total, missing / self._rarity(0), math.log(1 + len(asked)))

    def coverage(self, text: str, rows: Sequence[int]) -> float:
        """Return the share of the question's words, weighted by their rarity, that stand in any of these rows."""
        return self.match(text, rows).covered

    def analyse(self, text: str) -> tuple[str, ...]:
        """Return the index terms of a text, as of a question."""
        return tuple(stem for stems in query_terms(text) for stem in stems)

    def nearest(self, word: str) -> str | None:
        """Return the word with the same first letter that is one letter (two, in a long word) away, if there is one.

        Distance by optimal string alignment; of several words equally near, the one most passages hold.
        """
        folded = fold(word)
        known = self._words.get(folded[:1], Counter[str]())
        if len(folded) < _FUZZY_LETTERS or folded in known:
            return None
        reach = 1 if len(folded) < _FUZZY_TWO_LETTERS else 2
        near = process.extract(folded, known.keys(), scorer=OSA.distance, score_cutoff=reach, limit=None)
        return min(near, key=lambda item: (item[1], -known[item[0]], item[0]))[0] if near else None

    def _known(self, stems: Iterable[str]) -> list[str]:
        return [stem for stem in stems if stem in self._frequency]

    def _rarity(self, frequency: int) -> float:
        """Return Lucene's inverse document frequency; a word no row holds is the rarest of all."""
        count = len(self._rows)
        return math.log(1 + (count - frequency + 0.5) / (frequency + 0.5))


def _by_initial(found: Iterable[str]) -> Mapping[str, Counter[str]]:
    """Return how often each word stands in the index, by its first letter."""
    sorted_words: dict[str, Counter[str]] = {}
    for word in found:
        sorted_words.setdefault(word[0], Counter())[word] += 1
    return sorted_words
