"""Learns the fusion weights of a collection from its labelled questions, or keeps the default.

What a choice is worth is measured by cross-validation: weights are chosen on some folds of the questions and judged on
the fold left out. Unless that beats the default by more than its standard error, the default stays: a few dozen
questions rarely tell more than what was learned from several collections before.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.domain.evaluation import MEASURES, RankedQuery
from app.services.retrieval.fusion import DEFAULT, Weights

GRID: Final = tuple(
    Weights(words, length) for words, length in product((0.0, 0.1, 0.15, 0.2, 0.3, 0.4), (0.0, 0.02, 0.04))
)
"""Weights to choose from; the default is one of them."""

FEWEST: Final = 50
"""With fewer questions nothing is learned."""

_FOLDS: Final = 10
_SEED: Final = 1

Ranker = Callable[[Weights], Awaitable[Sequence[RankedQuery]]]
"""Ranks the questions with some weights: the same questions in the same order, whatever the weights."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The weights to use, and mean nDCG@10 on folds left out: of the default, and of weights chosen on the others.

    `error` is the standard error of the difference, paired over questions.
    """

    weights: Weights
    default: float
    learned: float
    error: float
    questions: int

    @property
    def better(self) -> bool:
        """Whether learning beat the default by more than chance may."""
        return self.questions >= FEWEST and self.learned - self.default > self.error


async def tune(rank: Ranker, grid: Sequence[Weights] = GRID, tick: Callable[[], None] = lambda: None) -> Tuned:
    """Choose fusion weights; `tick` is called after each of `grid`. Ties go to what is nearest the default."""
    tried = sorted({*grid, DEFAULT}, key=_distance)
    rows = []
    for weights in tried:
        rows.append([row.figures[MEASURES[0]] for row in await rank(weights)])
        tick()
    figures = np.array(rows)
    if not figures.size:
        return Tuned(DEFAULT, 0.0, 0.0, 0.0, 0)
    unseen = _cross_validated(figures)
    gain = unseen - figures[0]
    error = float(gain.std() / np.sqrt(len(gain)))
    tuned = Tuned(DEFAULT, float(figures[0].mean()), float(unseen.mean()), error, len(gain))
    if not tuned.better:
        return tuned
    best = tried[int(figures.mean(axis=1).argmax())]
    return Tuned(best, tuned.default, tuned.learned, tuned.error, tuned.questions)


def _distance(weights: Weights) -> tuple[float, float, float]:
    apart = abs(weights.words - DEFAULT.words) + abs(weights.length - DEFAULT.length)
    return apart, weights.words, weights.length


def _cross_validated(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each question's figure under the weights that were best for the other folds; shape (questions,)."""
    count = figures.shape[1]
    folds = np.random.default_rng(_SEED).permutation(count) % _FOLDS
    unseen: NDArray[np.float64] = figures[0].copy()
    for fold in range(_FOLDS):
        left, others = folds == fold, folds != fold
        if left.any() and others.any():
            unseen[left] = figures[int(figures[:, others].mean(axis=1).argmax()), left]
    return unseen
