"""Measures of ranking, against figures worked out by hand."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.evaluation.metrics import hit, mean, ndcg, percentile, recall, reciprocal_rank

RANKED = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("relevant", "value"),
    [
        ({"a"}, 1.0),
        ({"b"}, 1 / math.log2(3)),
        ({"a", "c"}, (1 + 0.5) / (1 + 1 / math.log2(3))),
        ({"a", "b", "c", "d"}, 1.0),
        ({"x"}, 0.0),
        (set(), 0.0),
    ],
)
def test_ndcg(relevant: set[str], value: float) -> None:
    assert ndcg(RANKED, relevant) == pytest.approx(value)


def test_ndcg_looks_no_further_than_k() -> None:
    assert ndcg(RANKED, {"c"}, k=2) == 0.0
    assert ndcg(RANKED, {"a", "b", "x"}, k=2) == 1.0


@pytest.mark.parametrize(("relevant", "value"), [({"a"}, 1.0), ({"c", "d"}, 1 / 3), ({"x"}, 0.0), (set(), 0.0)])
def test_reciprocal_rank(relevant: set[str], value: float) -> None:
    assert reciprocal_rank(RANKED, relevant) == pytest.approx(value)
    assert reciprocal_rank(RANKED, relevant, k=0) == 0.0


@pytest.mark.parametrize(
    ("relevant", "k", "share", "any_of_them"),
    [
        ({"a", "d"}, 2, 0.5, 1.0),
        ({"a", "d"}, 4, 1.0, 1.0),
        ({"c"}, 2, 0.0, 0.0),
        ({"x"}, 4, 0.0, 0.0),
        (set(), 4, 0.0, 0.0),
    ],
)
def test_recall_and_hit(relevant: set[str], k: int, share: float, any_of_them: float) -> None:
    assert (recall(RANKED, relevant, k), hit(RANKED, relevant, k)) == (share, any_of_them)


def test_the_mean() -> None:
    assert (mean([1.0, 2.0, 6.0]), mean([])) == (3.0, 0.0)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 2.0), (0.51, 3.0), (0.95, 4.0), (1.0, 4.0)])
def test_percentiles_by_nearest_rank(share: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == value


def test_a_percentile_of_nothing() -> None:
    assert percentile([], 0.5) == 0.0


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.permutations(list("abcdefghijkl")), st.sets(st.sampled_from("abcdefghijklmno")), st.integers(1, 12))
def test_every_measure_is_a_share(ranked: list[str], relevant: set[str], k: int) -> None:
    values = [measure(ranked, relevant, k) for measure in (ndcg, reciprocal_rank, recall, hit)]
    assert all(0.0 <= value <= 1.0 + 1e-9 for value in values)
    assert values[3] == float(values[1] > 0)
