"""Puts dense and lexical similarity together: one figure per document, from its best passages.

score = cosine + w * (BM25 / the query's best BM25), each the maximum over the document's passages. Reciprocal rank
fusion was measured: it hurts where one side is much better than the other. A small weight on a normalised BM25 helps.
A solved ticket that names its article is that article's problem in another person's words: its passages count for the
article, so that the answer is the reviewed one and is found once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.models import Vectors
from app.ports import Release

DENSE_CANDIDATES = 200
LEXICAL_CANDIDATES = 100
ALIAS_FACTOR = 0.9
"""Short names are near to short questions of any kind; they count a little less than text."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that may answer: the row of its nearest passage, and its similarities."""

    document_id: str
    row: int
    cosine: float
    lexical: float
    fused: float


def candidates(
    release: Release, vectors: Vectors, text: str, weight: float, *, widest: bool = False
) -> list[Candidate]:
    """Return the documents near a query, best first.

    `vectors` has one row per wording of the query; the mean over the wordings counts. `widest` looks at every row, for
    use under filters.
    """
    total = len(release.passages)
    lexical = relative(release.lexical.scores(text))
    depth = total if widest else min(total, DENSE_CANDIDATES)
    near = np.concatenate([release.vectors.search(vector, depth)[0] for vector in vectors])
    worded = np.argsort(-lexical, kind="stable")[: total if widest else LEXICAL_CANDIDATES]
    rows = np.union1d(near, worded[lexical[worded] > 0]).astype(np.int64)
    listed = rows.tolist()
    cosines = np.mean([release.vectors.similarities(vector, listed) for vector in vectors], axis=0)
    cosines = np.where(release.names[rows], cosines * ALIAS_FACTOR, cosines)
    return _best_per_document(release, rows, cosines, lexical[rows], weight)


def relative(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return BM25 scores divided by the largest; all zeros stay zeros."""
    top = float(scores.max(initial=0.0))
    return scores / top if top > 0 else scores


def _best_per_document(
    release: Release,
    rows: NDArray[np.int64],
    cosines: NDArray[np.float32],
    lexical: NDArray[np.float32],
    weight: float,
) -> list[Candidate]:
    nearest: dict[str, tuple[float, int]] = {}
    worded: dict[str, float] = {}
    for row, cosine, words in zip(rows.tolist(), cosines.tolist(), lexical.tolist(), strict=True):
        owner = release.owners[row]
        nearest[owner] = max(nearest.get(owner, (-2.0, -1)), (cosine, row))
        worded[owner] = max(worded.get(owner, 0.0), words)
    found = [
        Candidate(owner, row, cosine, worded[owner], cosine + weight * worded[owner])
        for owner, (cosine, row) in nearest.items()
    ]
    return sorted(found, key=lambda item: (-item.fused, item.document_id))
