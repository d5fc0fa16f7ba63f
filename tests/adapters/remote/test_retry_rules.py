"""How long to wait before trying again, and how often that may happen."""

import random
import statistics
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.remote.retries import RetryBudget, asked_pause, pause

NOW = "Sat, 21 Nov 2026 07:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "1e9"}, 3600.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after": "Sat, 21 Nov 2026 07:00:30 GMT", "date": NOW}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 06:00:00 GMT", "date": NOW}, 0.0),
        ({"retry-after": "Sat, 99 Nov 2026 06:00:00 GMT", "date": NOW}, None),
        ({"retry-after": "Sat, 21 Nov 99999999999 06:00:00 GMT", "date": NOW}, None),
    ],
)
def test_what_a_server_asks_for(headers: dict[str, str], expected: float | None) -> None:
    assert asked_pause(headers) == expected


def test_a_date_counts_from_our_own_clock_where_the_server_tells_no_time() -> None:
    asked = asked_pause({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert asked is not None
    assert 28 < asked <= 30


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date"]), st.text(max_size=40)))
def test_whatever_it_says_is_a_sane_number_or_nothing(headers: dict[str, str]) -> None:
    asked = asked_pause(headers)
    assert asked is None or 0 <= asked <= 3600


def test_the_pause_is_drawn_from_a_range_that_doubles_up_to_eight_seconds() -> None:
    ranges: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        ranges.append((low, high))
        return high

    assert [pause(attempt, None, uniform) for attempt in range(6)] == [0.5, 1, 2, 4, 8, 8]
    assert [low for low, _ in ranges] == [0] * 6
    assert pause(10_000, None, uniform) == 8
    assert pause(0, 3.0, uniform) == 3.5


def test_pauses_are_spread_over_the_whole_range() -> None:
    draw = random.Random(7).uniform  # noqa: S311
    pauses = [pause(2, None, draw) for _ in range(2_000)]
    assert min(pauses) < 0.05
    assert 1.95 < max(pauses) <= 2.0
    # The standard deviation of the uniform distribution over 2 seconds.
    assert statistics.stdev(pauses) == pytest.approx(2 / 12**0.5, rel=0.05)


@given(st.lists(st.booleans(), max_size=400), st.integers(1, 5))
def test_retries_never_exceed_their_share(wishes: list[bool], burst: int) -> None:
    budget = RetryBudget(0.1, burst)
    taken = 0
    for calls, wish in enumerate(wishes, 1):
        budget.called()
        while wish and budget.take():
            taken += 1
        assert taken <= burst + 0.1 * calls


def test_ten_calls_earn_a_retry() -> None:
    budget = RetryBudget(0.1, 1)
    assert budget.take()
    for _ in range(9):
        budget.called()
        assert not budget.take()
    budget.called()
    assert budget.take()
    assert not budget.take()
