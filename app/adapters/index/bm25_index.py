"""BM25 over passages, by bm25s (Lucene's variant: Robertson and Zaragoza 2009, Kamphuis et al. 2020)."""

import logging
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import bm25s
import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.adapters.index import analysis
from app.adapters.index.analysis import LANGUAGES, query_pairs, query_terms, row_terms, words
from app.adapters.index.phrases import PhraseIndex, numbered
from app.domain.lexical import WordMatch
from app.domain.text import fold

# The library logs every index it builds at DEBUG, whatever level is asked for.
logging.getLogger("bm25s").setLevel(logging.WARNING)

_K1 = 0.9
_B = 0.4
"""The usual values for passages (Anserini's); a passage's length says little, since all were cut to one length."""

_PHRASES = 0.5
"""What a point for two neighbouring words counts beside a point for a word."""

_KEPT = 1024
_FEW = 4
_FUZZY_LETTERS = 4
_FUZZY_TWO_LETTERS = 8


@dataclass(frozen=True, slots=True)
class _Analysed:
    """A row's index terms, and its words without digits, for corrections."""

    terms: tuple[str, ...]
    words: tuple[str, ...]


def _analysed(text: str, language: str) -> _Analysed:
    # Interned: the same words stand in many rows.
    spelt = tuple(sys.intern(word) for word in words(text) if word.isalpha())
    return _Analysed(tuple(row_terms(text, language)), spelt)


class Bm25Index:
    """The LexicalIndex port; built in memory from the passages of a release, safe to read from several threads."""

    def __init__(self, rows: Sequence[tuple[str, str]], before: "Bm25Index | None" = None) -> None:
        """Index rows of (text, language); what `before` holds of them is not analysed again."""
        known = before.analysed if before is not None else {}
        self.analysed: Mapping[tuple[str, str], _Analysed] = {row: known.get(row) or _analysed(*row) for row in rows}
        self._terms = [self.analysed[row].terms for row in rows]
        # Stems of languages nobody writes here would only meet other words by chance.
        self._languages = tuple(sorted({language if language in LANGUAGES else "en" for _, language in rows}))
        self._frequency = Counter(chain.from_iterable(map(set, self._terms)))
        self._words = _by_initial(chain.from_iterable(self.analysed[row].words for row in rows))
        self._bm25 = bm25s.BM25(method="lucene", k1=_K1, b=_B)
        ids, vocabulary = numbered(self._terms)
        if vocabulary:  # rows without any word cannot be indexed, and are never found by one
            self._bm25.index((ids, vocabulary), show_progress=False)
        self._phrases = PhraseIndex(ids, vocabulary)
        self._asked: dict[str, list[tuple[list[str], float]]] = {}
        self._unions: dict[tuple[int, ...], frozenset[str]] = {}

    def scores(self, text: str) -> NDArray[np.float32]:
        """Return the BM25 score of every row: for the words of a question, and less for pairs of neighbours."""
        known = [stem for stems in query_terms(text, self._languages) for stem in self._known(stems)]
        if not known:
            return np.zeros(len(self._terms), np.float32)
        paired = self._phrases.scores(query_pairs(text, self._languages))
        return np.asarray(self._bm25.get_scores(known) + _PHRASES * paired, dtype=np.float32)

    def match(self, text: str, rows: Sequence[int]) -> WordMatch:
        """Compare the informative words of a question with those of some rows taken together."""
        present = self._together(tuple(rows))
        total = covered = unknown = missing = 0.0
        held = 0
        asked = self._weighed(text)
        for known, rarity in asked:
            total += rarity
            unknown += 0.0 if known else rarity
            if present.isdisjoint(known):
                missing = max(missing, rarity)
            else:
                covered += rarity
                held += 1
        if not total:
            return WordMatch(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
        rarest = self._rarity(0)
        return WordMatch(
            covered=covered / total,
            unknown=unknown / total,
            rarest_missing=missing / rarest,
            log_count=math.log(1 + len(asked)),
            rarity=total,
            lacking=(total - covered) / rarest,
            held=held,
        )

    def coverage(self, text: str, rows: Sequence[int]) -> float:
        """Return the share of the question's words, weighted by their rarity, that stand in any of these rows."""
        return self.match(text, rows).covered

    def analyse(self, text: str) -> tuple[str, ...]:
        """Return the index terms of a text, as of a question."""
        return analysis.analyse(text)

    def nearest(self, word: str) -> str | None:
        """Return the word with the same first letter that is one letter (two, in a long word) away, if there is one.

        Distance by optimal string alignment; of several words equally near, the one most passages hold. A stop word,
        and a form of an indexed word, are not mistyped. A short word may have lost a letter or have two exchanged: with
        another letter it is another word (`wifi`, `wiki`).
        """
        folded = fold(word)
        if len(folded) < _FUZZY_LETTERS or self._is_word(folded):
            return None
        reach = 1 if len(folded) < _FUZZY_TWO_LETTERS else 2
        known = self._words.get(folded[:1], Counter[str]())
        near = process.extract(folded, known.keys(), scorer=OSA.distance, score_cutoff=reach, limit=None)
        likely = [item for item in near if len(folded) > _FUZZY_LETTERS or _same_letters(folded, item[0])]
        return min(likely, key=lambda item: (item[1], -known[item[0]], item[0]))[0] if likely else None

    def _is_word(self, folded: str) -> bool:
        terms = query_terms(folded, self._languages)
        return folded in self._words.get(folded[:1], ()) or not terms or any(map(self._known, terms))

    def _weighed(self, text: str) -> list[tuple[list[str], float]]:
        """Return the indexed stems of every word of a question, and its rarity; kept while its hits are compared."""
        found = self._asked.get(text)
        if found is None:
            if len(self._asked) >= _KEPT:
                self._asked.clear()
            stems = [self._known(terms) for terms in query_terms(text, self._languages)]
            found = self._asked[text] = [
                (known, self._rarity(min((self._frequency[term] for term in known), default=0))) for known in stems
            ]
        return found

    def _together(self, rows: tuple[int, ...]) -> frozenset[str]:
        """Return the terms of some rows; kept where many, since the same documents are found again and again."""
        if len(rows) <= _FEW:
            return frozenset(chain.from_iterable(self._terms[row] for row in rows))
        found = self._unions.get(rows)
        if found is None:
            if len(self._unions) >= _KEPT:
                self._unions.clear()
            found = self._unions[rows] = frozenset(chain.from_iterable(self._terms[row] for row in rows))
        return found

    def _known(self, stems: Iterable[str]) -> list[str]:
        return [stem for stem in stems if stem in self._frequency]

    def _rarity(self, frequency: int) -> float:
        """Return Lucene's inverse document frequency; a word no row holds is the rarest of all."""
        count = len(self._terms)
        return math.log(1 + (count - frequency + 0.5) / (frequency + 0.5))


def _same_letters(word: str, other: str) -> bool:
    """Tell whether a word holds all the letters of another, or lacks one."""
    return not Counter(word) - Counter(other)


def _by_initial(found: Iterable[str]) -> Mapping[str, Counter[str]]:
    """Return how often each word stands in the index, by its first letter."""
    sorted_words: dict[str, Counter[str]] = defaultdict(Counter)
    for word, times in Counter(found).items():
        sorted_words[word[0]][word] = times
    return dict(sorted_words)
