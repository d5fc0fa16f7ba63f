"""Learning fusion weights from labelled questions."""

from collections.abc import Callable, Sequence

import pytest

from app.domain.evaluation import MEASURES, RankedQuery
from app.services.evaluation import tuning
from app.services.evaluation.tuning import FEWEST, GRID, Ranker, tune
from app.services.retrieval.fusion import DEFAULT, Weights

Judge = Callable[[Weights, int], float]


def ranker(judge: Judge, questions: int = 100) -> Ranker:
    async def rank(weights: Weights) -> Sequence[RankedQuery]:
        return [row(number, judge(weights, number)) for number in range(questions)]

    return rank


def row(number: int, figure: float) -> RankedQuery:
    return RankedQuery(f"q{number}", "?", (), (), dict.fromkeys(MEASURES, figure), 0.0)


def test_the_default_is_one_of_those_to_choose_from() -> None:
    assert DEFAULT in GRID


async def test_weights_that_are_better_on_questions_left_out_are_learned() -> None:
    ticks: list[None] = []
    found = await tune(
        ranker(lambda weights, number: weights.words + 0.001 * (number % 7)), GRID, lambda: ticks.append(None)
    )
    assert found.better
    assert found.weights.words == max(weights.words for weights in GRID)
    assert found.weights.length == DEFAULT.length  # of equals, the nearest to the default
    assert found.learned > found.default + found.error
    assert len(ticks) == len(GRID)


async def test_what_is_no_better_than_the_default_is_not_learned() -> None:
    found = await tune(ranker(lambda _weights, _number: 0.5))
    assert (found.weights, found.better) == (DEFAULT, False)


async def test_chance_is_not_learned_from() -> None:
    def noise(weights: Weights, number: int) -> float:
        return float(hash((weights.words, weights.length, number)) % 2)

    found = await tune(ranker(noise))
    assert found.weights == DEFAULT


async def test_a_few_questions_teach_nothing() -> None:
    found = await tune(ranker(lambda weights, _number: weights.words, FEWEST - 1))
    assert (found.weights, found.better, found.questions) == (DEFAULT, False, FEWEST - 1)


@pytest.mark.parametrize("questions", [0, 1])
async def test_without_questions_the_default_stays(questions: int) -> None:
    assert (await tune(ranker(lambda weights, _number: weights.words, questions))).weights == DEFAULT


async def test_a_choice_is_judged_on_questions_it_was_not_made_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "_FOLDS", 2)
    special = Weights(0.3, 0.04)
    # The special weights win on one question by much and lose on all others by little.
    found = await tune(ranker(lambda weights, number: (30.0 if number == 0 else -0.1) if weights == special else 0.0))
    assert found.learned < 30.0 / found.questions - 0.1
    assert found.weights == DEFAULT
