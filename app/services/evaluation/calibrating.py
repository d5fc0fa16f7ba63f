"""Fits the score calibration on labelled questions."""

import hashlib
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from app.domain.conversations import Question
from app.domain.evaluation import Labelled
from app.services.evaluation.metrics import mean
from app.services.evaluation.turns import turns_of
from app.services.retrieval.calibration import FOREIGN, Calibration, Features
from app.services.retrieval.retriever import Retriever

FALSE_REFUSALS = 0.02
"""The share of answerable tune questions that may fall below the threshold, in English and in other languages.

It is measured on questions each model has not seen (cross-validation, several times over). The aim is 0.03 on any
questions: a quantile so far out, from a few hundred of them, is uncertain by about a half of that.
"""

_C = 1.0
_FOLDS = 8
_TIMES = 5


@dataclass(frozen=True, slots=True)
class Example:
    """A question, the best document found for it, and the features of that hit."""

    question: Labelled
    document_id: str
    features: Features


async def examples(
    search: Retriever, questions: Sequence[Labelled], tick: Callable[[], None] = lambda: None
) -> list[Example]:
    """Return the best hit for every question that has any."""
    found = []
    for question in questions:
        tick()
        best = await search.best(Question(question.question), turns_of(question))
        if best is not None:
            found.append(Example(question, *best))
    return found


def fit(rows: Sequence[Example], model_digest: str, hard: Sequence[Example] = ()) -> Calibration:
    """Fit weights and threshold; both classes weigh the same however many questions each has.

    `hard` are further questions that teach the weights what near misses look like; the threshold is that of `rows`,
    which are as people ask, and of those of one meaning: to ask back is no false refusal. It comes from scores of
    questions by models that were fitted without them and without any other question whose best document is theirs: on
    its own questions a model looks better than it is.
    """
    plain = _weights([*rows, *hard], model_digest)
    unseen = _unseen(rows, hard, model_digest)
    english = _refused_below([found for found in unseen if not found[1].foreign])
    foreign = _refused_below([found for found in unseen if found[1].foreign])
    # One threshold for all languages: what is foreign is lifted until as few of its questions fall below it.
    lifted = list(plain.weights)
    lifted[FOREIGN] += _logit(english) - _logit(foreign)
    return replace(plain, weights=tuple(lifted), threshold=english)


def _weights(rows: Sequence[Example], model_digest: str) -> Calibration:
    values = np.array([row.features.row() for row in rows])
    labels = np.array([row.question.answerable for row in rows])
    scaler = StandardScaler().fit(values)
    model = LogisticRegression(C=_C, max_iter=5000, class_weight="balanced").fit(scaler.transform(values), labels)
    weights = model.coef_[0] / scaler.scale_
    bias = float(model.intercept_[0] - weights @ scaler.mean_)
    return Calibration(bias, tuple(float(weight) for weight in weights), 0.5, model_digest)


def _unseen(rows: Sequence[Example], hard: Sequence[Example], model_digest: str) -> list[tuple[float, Features]]:
    """Return score and features of the answerable questions, scored by models fitted without their documents."""
    asked = [row for row in rows if row.question.answerable and not row.question.ambiguous]
    found = []
    for part in _parts({row.document_id for row in asked}):
        for fold in set(part.values()):
            rest = [row for row in (*rows, *hard) if len(part) == 1 or part.get(row.document_id) != fold]
            if len({row.question.answerable for row in rest}) == 1:
                continue
            model = _weights(rest, model_digest)
            held = (row for row in asked if part[row.document_id] == fold)
            found += [(model.score(row.features), row.features) for row in held]
    return found


def _parts(documents: Collection[str]) -> Iterator[dict[str, int]]:
    """Yield the fold of every document, several times: which of them stand together is chance, and moves a quantile."""
    for time in range(_TIMES):
        # By a digest, not by their order: documents that follow one another are alike.
        ordered = sorted(documents, key=lambda document: hashlib.sha256(f"{time} {document}".encode()).digest())
        yield {document: at % _FOLDS for at, document in enumerate(ordered)}


def _refused_below(scored: Sequence[tuple[float, Features]]) -> float:
    """Return the score below which `FALSE_REFUSALS` of the questions lie, 0.5 where there are none."""
    return float(np.quantile([score for score, _ in scored], FALSE_REFUSALS)) if scored else 0.5


def _logit(score: float) -> float:
    within = min(max(score, 1e-9), 1 - 1e-9)
    return math.log(within / (1 - within))


def refusals(calibration: Calibration, rows: Sequence[Example]) -> dict[str, float]:
    """Return the shares refused at the threshold, of unanswerable questions and of answerable ones, by language.

    Ambiguous questions are told apart.
    """
    found = {}
    clear = [row for row in rows if not row.question.ambiguous]
    for name, english in (("English", True), ("other", False)):
        group = [row for row in clear if (row.question.language == "en") is english]
        for label, answerable in (("refused", False), ("false refusals", True)):
            found[f"{name} {label}"] = _refused(
                calibration, [row for row in group if row.question.answerable is answerable]
            )
    found["ambiguous refused"] = _refused(calibration, [row for row in rows if row.question.ambiguous])
    return {**found, "threshold": calibration.threshold}


def _refused(calibration: Calibration, rows: Sequence[Example]) -> float:
    return mean([float(calibration.score(row.features) < calibration.threshold) for row in rows])
