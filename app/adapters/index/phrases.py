"""BM25 over pairs of neighbouring words: who writes `licence server` means something other than both words apart."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Pair = tuple[str, str]

_K1 = 0.9
_B = 0.4


def numbered(rows: Iterable[Iterable[str]]) -> tuple[list[list[int]], dict[str, int]]:
    """Return the terms of every row as numbers, and the vocabulary that gives them."""
    vocabulary: dict[str, int] = {}
    return [[vocabulary.setdefault(term, len(vocabulary)) for term in row] for row in rows], vocabulary


class PhraseIndex:
    """Which rows hold which pairs of terms, and what each pair adds to a row's score; postings lie in plain arrays."""

    def __init__(self, rows: Sequence[Sequence[int]], vocabulary: Mapping[str, int]) -> None:
        """Index the terms of every row, in the order of its text, by their numbers in a vocabulary."""
        self._ids = vocabulary
        self._count = len(rows)
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        keys, owners = self._pairs(rows, lengths)
        held, times = np.unique(keys * self._count + owners, return_counts=True)
        pairs, self._rows = np.divmod(held, self._count) if self._count else (held, held)
        self._keys, starts, spread = np.unique(pairs, return_index=True, return_counts=True)
        self._ends = np.append(starts, len(pairs))
        rarity = np.log(1 + (self._count - spread + 0.5) / (spread + 0.5))
        relative = lengths[self._rows] / max(1.0, float(lengths.mean())) if self._count else self._rows
        weight = times / (times + _K1 * (1 - _B + _B * relative))
        self._weights = (np.repeat(rarity, spread) * weight).astype(np.float32)

    def scores(self, pairs: Iterable[Pair]) -> NDArray[np.float32]:
        """Return the BM25 score of every row for some pairs of terms."""
        found = np.zeros(self._count, np.float32)
        for first, second in pairs:
            if first in self._ids and second in self._ids:
                key = self._key(self._ids[first], self._ids[second])
                at = int(np.searchsorted(self._keys, key))
                if at < len(self._keys) and self._keys[at] == key:
                    held = slice(self._ends[at], self._ends[at + 1])
                    found[self._rows[held]] += self._weights[held]
        return found

    def _key(self, first: int, second: int) -> int:
        return first * len(self._ids) + second

    def _pairs(
        self, rows: Sequence[Sequence[int]], lengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the key of every pair of neighbours within a row, and its row."""
        terms = np.fromiter(chain.from_iterable(rows), np.int64, int(lengths.sum()))
        owners = np.repeat(np.arange(self._count, dtype=np.int64), lengths)
        within = owners[:-1] == owners[1:]
        return (terms[:-1] * len(self._ids) + terms[1:])[within], owners[:-1][within]
