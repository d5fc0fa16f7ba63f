"""Whether a difference is more than chance: against values worked out by hand, and against what must always hold."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.evaluation import MEASURES, RankedQuery
from app.errors import StartRefused
from app.services.evaluation.comparing import SAMPLES, bootstrap, compare, compare_groups, randomisation_test


def row(name: str, figure: float, group: str = "", relevant: tuple[str, ...] = ("a",)) -> RankedQuery:
    return RankedQuery(name, f"text of {name}", relevant, (("a", 1.0),), dict.fromkeys(MEASURES, figure), 1.0, group)


def rows(**figures: float) -> list[RankedQuery]:
    return [row(name, figure) for name, figure in figures.items()]


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([], 1.0),
        ([0.0, 0.0, 0.0], 1.0),
        ([0.4], 1.0),  # both signs give a sum as far from 0
        ([1.0, 1.0], 2 / 4),
        ([1.0, 1.0, 1.0], 2 / 8),
        ([1.0, 1.0, -1.0], 1.0),  # no pattern of three ones sums to less than 1
        ([3.0, 2.0, -1.0], 4 / 8),  # 4 or more: +++, ++-, ---, --+
        ([1.0] * 8, 2 / 256),
        ([1.0, 0.0, 1.0, 0.0, 1.0], 2 / 8),  # ties say nothing
    ],
)
def test_small_cases_are_exact(differences: list[float], p: float) -> None:
    assert randomisation_test(differences) == p


def test_many_differences_are_sampled_and_no_p_value_is_0() -> None:
    assert randomisation_test([1.0] * 40) == pytest.approx(1 / (SAMPLES + 1))
    assert randomisation_test([0.5, -0.5] * 30) > 0.9


def test_sampling_is_near_to_the_exact_value() -> None:
    differences = [0.3, 0.1, 0.4, -0.1, 0.5, 0.9, -0.2, 0.6, 0.5, -0.3, 0.5, 0.8, -0.9, 0.7, -0.2, -0.3]
    values = np.array(differences)
    signs = np.array(list(itertools.product((-1, 1), repeat=len(values))))
    exact = np.mean(np.abs(signs @ values) >= abs(values.sum()) - 1e-9)
    assert randomisation_test(differences) == pytest.approx(float(exact), abs=0.005)
    assert randomisation_test(differences) == randomisation_test(differences)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.lists(st.floats(-1, 1, allow_nan=False), max_size=20))
def test_a_p_value_is_a_share_and_knows_no_side(differences: list[float]) -> None:
    p = randomisation_test(differences)
    assert 0 < p <= 1
    assert randomisation_test([-value for value in differences]) == pytest.approx(p)


def test_an_interval_holds_its_mean_and_narrows_with_more_values() -> None:
    few, many = bootstrap([0.0, 1.0] * 5), bootstrap([0.0, 1.0] * 500)
    assert few.mean == many.mean == 0.5
    # The standard error of the mean of 1,000 such values is 0.0158.
    assert (many.low, many.high) == pytest.approx((0.5 - 1.96 * 0.0158, 0.5 + 1.96 * 0.0158), abs=0.002)
    assert few.low < many.low < 0.5 < many.high < few.high
    assert bootstrap([0.0, 1.0] * 5) == few


def test_intervals_of_one_value_and_of_none() -> None:
    one, none = bootstrap([0.25]), bootstrap([])
    assert (one.mean, one.low, one.high) == (0.25, 0.25, 0.25)
    assert (none.mean, none.low, none.high) == (0.0, 0.0, 0.0)


def test_two_configurations_are_compared_over_the_queries_both_have() -> None:
    first = rows(q1=0.5, q2=1.0, q3=0.2, gone=0.0)
    second = rows(new=1.0, q3=0.3, q1=1.0, q2=0.9)
    found = compare(first, second, "mrr@10")
    assert (found.first, found.second) == pytest.approx((1.7 / 3, 2.2 / 3))
    assert found.difference.mean == pytest.approx(0.5 / 3)
    assert found.difference.low < found.difference.mean < found.difference.high
    assert found.p_value == 6 / 8  # of 0.5, 0.1 and 0.1 alone +-- and -++ sum to less than 0.5
    assert (found.wins, found.ties, found.losses) == (2, 0, 1)
    assert found.changes[0].id == "q1"
    assert (found.only_first, found.only_second) == (("gone",), ("new",))


def test_the_same_figures_twice_are_no_difference() -> None:
    found = compare(rows(q1=0.5, q2=0.7), rows(q1=0.5, q2=0.7), "hit@1")
    assert (found.p_value, found.wins, found.ties, found.losses) == (1.0, 0, 2, 0)
    assert (found.difference.low, found.difference.mean, found.difference.high) == (0.0, 0.0, 0.0)


def test_the_order_of_the_two_turns_the_sign_alone() -> None:
    first, second = rows(q1=0.1, q2=0.7, q3=0.3), rows(q1=0.9, q2=0.5, q3=0.6)
    there, back = compare(first, second, "ndcg@10"), compare(second, first, "ndcg@10")
    assert there.p_value == back.p_value
    assert there.difference.mean == pytest.approx(-back.difference.mean)
    assert (there.wins, there.losses) == (back.losses, back.wins)


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(StartRefused, match="no query in common"):
        compare(rows(q1=1.0), rows(q2=1.0), "ndcg@10")


def test_a_query_judged_by_other_documents_is_refused() -> None:
    with pytest.raises(StartRefused, match="'q1' is judged by other documents"):
        compare([row("q1", 1.0)], [row("q1", 1.0, relevant=("a", "b"))], "ndcg@10")


def test_groups_are_compared_apart_where_there_are_several() -> None:
    first = [row("q1", 0.1, "English"), row("q2", 0.2, "German"), row("q3", 0.2, "gone"), row("q4", 0.1)]
    second = [row("q1", 0.3, "English"), row("q2", 0.1, "German"), row("q4", 0.1)]
    found = compare_groups(first, second, "ndcg@10")
    assert list(found) == ["all", "English", "German", "no group"]
    assert [len(item.changes) for item in found.values()] == [3, 1, 1, 1]
    assert found["German"].losses == 1
    assert found["all"].only_first == ("q3",)
    assert list(compare_groups(first[:1], second[:1], "ndcg@10")) == ["all"]


def test_a_group_whose_queries_moved_to_another_is_left_out() -> None:
    first = [row("q1", 0.1, "English"), row("q2", 0.1, "German")]
    second = [row("q1", 0.1, "German"), row("q3", 0.1, "English")]
    assert list(compare_groups(first, second, "ndcg@10")) == ["all"]
