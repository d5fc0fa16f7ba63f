"""From similarities to probabilities: how likely is it that a document answers the question.

Logistic regression (Platt 1999) over a few features of a hit, fitted on the tune half of the product's own questions by
`python -m app eval calibrate`, and kept in `data/calibration.json` with the digest of the model it holds for. An
off-topic question in IT words is near in meaning, but its own words are missing: so the features look at both.
"""

import math
from dataclasses import dataclass, fields
from typing import Final

from app.errors import SettingsInvalid


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a hit and of the question.

    cosine: similarity of the nearest passage. coverage: share of the question's informative words the document holds,
    weighted by rarity. missing: rarity (0..1) of the rarest word it lacks. unknown: share of the question's words no
    document holds. lead: how far its cosine is above that of the hits from the third on. code_found, code_missing: the
    question names an error code, and the document holds it or not. words: logarithm of 1 + the number of informative
    words. foreign, follow_up: the question is not in English, leans on an earlier one.

    What tells a near miss (the product is known, the problem is not): share: BM25 of the hit relative to the rarity of
    all the words. lacking, held: how much of them the document lacks, how many it holds. named: coverage by the names
    people give its problem alone (by all of it where it has none). phrase, phrases: coverage by the nearest of these
    names, and by the four nearest together (by passages where it has no names). unknown_names: words written like
    names that nobody wrote about. fused: the figure it was ranked by. nearest: no other hit has a larger cosine.
    solved: it is a solved ticket, which tells of one case. elsewhere: it is for another platform than the question's.
    """

    cosine: float
    coverage: float
    missing: float
    unknown: float
    lead: float
    code_found: float
    code_missing: float
    words: float
    foreign: float
    follow_up: float
    share: float = 0.0
    lacking: float = 0.0
    held: float = 0.0
    named: float = 0.0
    unknown_names: float = 0.0
    fused: float = 0.0
    nearest: float = 0.0
    phrase: float = 0.0
    phrases: float = 0.0
    solved: float = 0.0
    elsewhere: float = 0.0

    def row(self) -> tuple[float, ...]:
        """Return the features as the regression sees them, products of those that strengthen one another included."""
        return (
            self.cosine,
            self.coverage,
            self.cosine * self.coverage,
            self.missing,
            self.unknown,
            self.lead,
            self.code_found,
            self.code_missing,
            self.words,
            self.coverage * self.words,
            self.cosine * self.words,
            self.foreign,
            self.foreign * self.coverage,
            self.foreign * self.cosine,
            self.follow_up,
            self.share,
            self.lacking,
            self.held,
            self.named,
            self.unknown_names,
            self.fused,
            self.nearest,
            self.phrase,
            self.phrases,
            self.solved,
            self.elsewhere,
        )


_WEIGHTS: Final = len(Features(*[0.0] * len(fields(Features))).row())


FOREIGN: Final = 11
"""Where `foreign` stands in `Features.row`."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A bias and one weight per value of `Features.row`, and the score from which evidence is enough to answer.

    Raises SettingsInvalid for another number of weights: such a file was measured by another version.
    """

    bias: float
    weights: tuple[float, ...]
    threshold: float
    model_digest: str

    def __post_init__(self) -> None:
        if len(self.weights) != _WEIGHTS:
            raise SettingsInvalid(
                "DATA_DIR",
                f"the calibration has {len(self.weights)} weights, this version needs {_WEIGHTS}",
                "remove calibration.json and run: python -m app eval calibrate",
            )

    def score(self, features: Features) -> float:
        """Return the estimated probability (0..1) that a document with these features answers."""
        total = self.bias + sum(weight * value for weight, value in zip(self.weights, features.row(), strict=True))
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, total))))


UNCALIBRATED: Final = Calibration(-6.0, (9.0, 2.5, 0, 0, -2.0, 0, 0.5, -2.0, *[0.0] * 18), 0.5, "")
"""Cautious weights for an embedding model that nobody has calibrated yet."""
