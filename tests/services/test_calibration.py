"""From what is known of a hit to the probability that it answers."""

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import SettingsInvalid
from app.services.retrieval.calibration import FOREIGN, UNCALIBRATED, Calibration, Features

NUMBERS = st.floats(-1e6, 1e6)
GOOD = Features(0.8, 0.9, 0.1, 0.0, 0.2, 0.0, 0.0, 2.0, 0.0, 0.0)
COUNT = len(GOOD.row())


def weighing(**weights: float) -> Calibration:
    """Return a calibration that looks at some features alone."""
    unit = Features(*[0.0] * len(fields(Features)))
    at = {name: replace(unit, **{name: 1.0}).row().index(1.0) for name in weights}
    row = [0.0] * COUNT
    for name, weight in weights.items():
        row[at[name]] = weight
    return Calibration(0.0, tuple(row), 0.5, "digest")


def test_nothing_known_is_even_odds() -> None:
    assert weighing(cosine=0.0).score(GOOD) == 0.5


def test_a_score_is_the_logistic_function_of_what_is_known() -> None:
    assert weighing(cosine=2.0, unknown=-1.0).score(replace(GOOD, unknown=0.5)) == pytest.approx(
        1 / (1 + math.exp(-(2 * 0.8 - 0.5)))
    )


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(NUMBERS, min_size=10, max_size=10), st.lists(NUMBERS, min_size=COUNT, max_size=COUNT), NUMBERS)
def test_a_score_is_a_probability_whatever_the_figures(known: list[float], weights: list[float], bias: float) -> None:
    assert 0.0 <= Calibration(bias, tuple(weights), 0.5, "").score(Features(*known)) <= 1.0


def test_products_of_features_are_looked_at_too() -> None:
    features = Features(0.5, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 1.0, 0.0)
    assert {0.5 * 0.4, 0.4 * 3.0, 0.5 * 3.0, 1.0 * 0.4, 1.0 * 0.5} <= set(features.row())


def test_where_the_language_stands_among_the_weights() -> None:
    at_home = Features(*[0.0] * len(fields(Features)))
    changed = [now != before for now, before in zip(replace(at_home, foreign=1.0).row(), at_home.row(), strict=True)]
    assert [at for at, differs in enumerate(changed) if differs] == [FOREIGN]


@pytest.mark.parametrize("count", [0, COUNT - 1, COUNT + 1])
def test_another_number_of_weights_is_of_another_version(count: int) -> None:
    with pytest.raises(SettingsInvalid, match=rf"^DATA_DIR: the calibration has {count} weights, this version needs"):
        Calibration(0.0, (1.0,) * count, 0.5, "digest")


def test_the_cautious_weights_believe_in_near_texts_and_not_in_missing_codes() -> None:
    assert UNCALIBRATED.score(GOOD) > UNCALIBRATED.threshold
    assert UNCALIBRATED.score(replace(GOOD, code_missing=1.0)) < UNCALIBRATED.score(GOOD)
    assert UNCALIBRATED.score(replace(GOOD, cosine=0.3, coverage=0.2)) < UNCALIBRATED.threshold
