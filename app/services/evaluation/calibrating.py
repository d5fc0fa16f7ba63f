"""Fits the score calibration on labelled questions."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from app.domain.conversations import Question
from app.domain.evaluation import Labelled
from app.services.evaluation.metrics import mean
from app.services.evaluation.turns import turns_of
from app.services.retrieval.calibration import FOREIGN, Calibration, Features
from app.services.retrieval.retriever import Retriever

Example = tuple[Labelled, Features]

FALSE_REFUSALS = 0.015
"""The share of answerable tune questions that may fall below the threshold, in English and in other languages.

It is measured on questions each model has not seen (cross-validation). The aim is 0.03 on any questions: a quantile so
far out, from a few hundred of them, is uncertain by about a half of that.
"""

_C = 0.1
_FOLDS = 8


async def examples(
    search: Retriever, questions: Sequence[Labelled], tick: Callable[[], None] = lambda: None
) -> list[Example]:
    """Return the features of the best hit for every question that has any."""
    found = []
    for question in questions:
        tick()
        best = await search.best(Question(question.question), turns_of(question))
        if best is not None:
            found.append((question, best[1]))
    return found


def fit(rows: Sequence[Example], model_digest: str) -> Calibration:
    """Fit weights and threshold; both classes weigh the same however many questions each has.

    The threshold comes from scores of questions by models that were fitted without them: on its own questions a model
    looks better than it is.
    """
    plain = _weights(rows, model_digest)
    unseen = _unseen(rows, model_digest)
    english = _refused_below([found for found in unseen if not found[1].foreign])
    foreign = _refused_below([found for found in unseen if found[1].foreign])
    # One threshold for all languages: what is foreign is lifted until as few of its questions fall below it.
    lifted = list(plain.weights)
    lifted[FOREIGN] += _logit(english) - _logit(foreign)
    return replace(plain, weights=tuple(lifted), threshold=english)


def _weights(rows: Sequence[Example], model_digest: str) -> Calibration:
    values = np.array([features.row() for _, features in rows])
    labels = np.array([question.answerable for question, _ in rows])
    scaler = StandardScaler().fit(values)
    model = LogisticRegression(C=_C, max_iter=5000, class_weight="balanced").fit(scaler.transform(values), labels)
    weights = model.coef_[0] / scaler.scale_
    bias = float(model.intercept_[0] - weights @ scaler.mean_)
    return Calibration(bias, tuple(float(weight) for weight in weights), 0.5, model_digest)


def _unseen(rows: Sequence[Example], model_digest: str) -> list[tuple[float, Features]]:
    """Return score and features of the answerable questions, each scored by a model fitted without it."""
    answerable = [row for row in rows if row[0].answerable]
    others = [row for row in rows if not row[0].answerable]
    folds = min(_FOLDS, len(answerable))
    found = []
    for fold in range(folds):
        rest = [row for at, row in enumerate(answerable) if at % folds != fold or folds == 1]
        model = _weights([*rest, *others], model_digest)
        found += [(model.score(features), features) for _, features in answerable[fold::folds]]
    return found


def _refused_below(scored: Sequence[tuple[float, Features]]) -> float:
    """Return the score below which `FALSE_REFUSALS` of the questions lie, 0.5 where there are none."""
    return float(np.quantile([score for score, _ in scored], FALSE_REFUSALS)) if scored else 0.5


def _logit(score: float) -> float:
    within = min(max(score, 1e-9), 1 - 1e-9)
    return math.log(within / (1 - within))


def refusals(calibration: Calibration, rows: Sequence[Example]) -> dict[str, float]:
    """Return the shares refused at the threshold, of unanswerable questions and of answerable ones, by language."""
    found = {}
    for name, english in (("English", True), ("other", False)):
        group = [row for row in rows if (row[0].language == "en") is english]
        for label, answerable in (("refused", False), ("false refusals", True)):
            scores = [calibration.score(features) for question, features in group if question.answerable is answerable]
            found[f"{name} {label}"] = mean([float(score < calibration.threshold) for score in scores])
    return {**found, "threshold": calibration.threshold}
