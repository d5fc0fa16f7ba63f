"""Puts dense and lexical similarity together: one figure per document, from its best passages.

score = cosine + words * BM25 / 20 - length * ln(number of its passages of text)

The cosine and BM25 are each the maximum over the document's passages. BM25 counts in points, not relative to the
query's best: a long question with an error message shares many rare words with the one right document, and they should
weigh more than the two words of a short one. The maximum over many passages is larger by chance alone, which the last
term takes back. Reciprocal rank fusion was measured: it hurts where one side is much better than the other.
A solved ticket that names its article is that article's problem in another person's words: its passages count for the
article, so that the answer is the reviewed one and is found once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.models import Vectors
from app.ports import Release

DENSE_CANDIDATES = 200
LEXICAL_CANDIDATES = 100
ALIAS_FACTOR = 0.93
"""Short names are near to short questions of any kind; they count a little less than text."""

_NEAREST = 12
"""How many of a document's rows a candidate remembers."""

_POINTS = 20.0
"""BM25 of a short question against a document that says the same."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What words and length count beside the cosine."""

    words: float
    length: float


DEFAULT = Weights(words=0.2, length=0.02)
"""Chosen over several collections; good for one that nobody has labelled questions for."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that may answer: the row of its nearest passage, and its similarities.

    `lexical` is relative to the query's best, `points` is BM25 itself. `nearest` are the rows of its passages that were
    found, nearest first; at most twelve.
    """

    document_id: str
    row: int
    cosine: float
    lexical: float
    points: float
    fused: float
    nearest: tuple[int, ...] = ()


class Fusion:
    """Finds the documents near a query in one release."""

    def __init__(self, release: Release, weights: Weights) -> None:
        """Lay out whose row each is, once for all queries."""
        self._release = release
        self._weights = weights
        self._documents, self._owners = _numbered(release.owners)
        texts = np.bincount(self._owners, weights=~release.names, minlength=len(self._documents))
        self._discount = weights.length * np.log(np.maximum(texts, 1))

    def rows_of(self, allowed: Callable[[str], bool]) -> NDArray[np.int64]:
        """Return the rows, ascending, that count for the documents of which `allowed` says so by their ids."""
        chosen = np.array([allowed(document) for document in self._documents], dtype=np.bool_)
        return np.flatnonzero(chosen[self._owners]).astype(np.int64)

    def candidates(
        self, vectors: Vectors, text: str, *, allowed: NDArray[np.int64] | None = None, widest: bool = False
    ) -> list[Candidate]:
        """Return the documents near a query, best first.

        `vectors` has one row per wording of the query; the mean over the wordings counts. Only the rows `allowed` are
        found; `widest` looks at every row.
        """
        words = self._release.lexical.scores(text)
        if allowed is not None:
            words = np.where(np.isin(np.arange(len(words)), allowed, assume_unique=True), words, np.float32(0))
        rows = self._near(vectors, words, allowed, widest=widest)
        listed = rows.tolist()
        cosines = np.mean([self._release.vectors.similarities(vector, listed) for vector in vectors], axis=0)
        cosines = np.where(self._release.names[rows], cosines * ALIAS_FACTOR, cosines)
        return self._best_per_document(rows, cosines, words)

    def _near(
        self, vectors: Vectors, words: NDArray[np.float32], allowed: NDArray[np.int64] | None, *, widest: bool
    ) -> NDArray[np.int64]:
        """Return the rows worth a look, ascending."""
        total = len(words) if allowed is None else len(allowed)
        depth = total if widest else min(total, DENSE_CANDIDATES)
        near = [self._release.vectors.search(vector, depth, allowed)[0] for vector in vectors]
        worded = np.flatnonzero(words)
        if len(worded) > LEXICAL_CANDIDATES and not widest:
            worded = worded[np.argpartition(-words[worded], LEXICAL_CANDIDATES)[:LEXICAL_CANDIDATES]]
        return np.unique(np.concatenate([*near, worded])).astype(np.int64)

    def _best_per_document(
        self, rows: NDArray[np.int64], cosines: NDArray[np.float32], words: NDArray[np.float32]
    ) -> list[Candidate]:
        if not len(rows):
            return []
        owners = self._owners[rows]
        order = np.lexsort((rows, cosines, owners))  # the nearest row of each document comes last
        last = np.flatnonzero(np.append(np.diff(owners[order]) > 0, True))
        first = np.append(0, last[:-1] + 1)
        found, nearest, listed = owners[order][last], order[last], rows[order].tolist()
        points = np.maximum.reduceat(words[rows[order]], first)
        fused = cosines[nearest] + self._weights.words / _POINTS * points - self._discount[found]
        relative = points / max(float(words.max(initial=0.0)), 1e-9)
        best = sorted(range(len(found)), key=lambda at: (-fused[at], self._documents[found[at]]))
        return [
            Candidate(
                self._documents[found[at]],
                int(rows[nearest[at]]),
                float(cosines[nearest[at]]),
                float(relative[at]),
                float(points[at]),
                float(fused[at]),
                tuple(listed[max(first[at], last[at] + 1 - _NEAREST) : last[at] + 1][::-1]),
            )
            for at in best
        ]


def _numbered(owners: tuple[str, ...]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct owners, and the number of each row's owner among them."""
    numbers: dict[str, int] = {}
    rows = np.array([numbers.setdefault(owner, len(numbers)) for owner in owners], dtype=np.int64)
    return list(numbers), rows
