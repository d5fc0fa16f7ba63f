"""Questions that lean on the one before."""

import pytest

from app.services.retrieval.followups import belongs_together, earlier_question, joined, surely_follows
from tests.builders import asked

LONG = "How do I connect the second monitor to my new docking station at the office"

FOLLOWS = {
    "And on a Mac?": True,
    "…and on a Mac?": True,
    "printer offline": True,
    "still the same after I restarted the laptop and the router at home": True,
    "und auf dem Laptop meiner Kollegin im anderen Büro in Berlin": True,
    "et sur le portable de ma collègue du bureau de Lyon": True,
    "pero en el portátil de mi compañera de la oficina de Madrid": True,
    "Android phone does not ring": False,
    LONG: False,
}


@pytest.mark.parametrize(("question", "follows"), FOLLOWS.items())
def test_some_questions_can_only_follow_another(question: str, follows: bool) -> None:
    assert surely_follows(question) is follows


READINGS = {
    "sure of itself": (0.95, 0.2, 1.0, False),
    "its words stand in what both find": (0.3, 0.5, 0.9, True),
    "its words stand elsewhere": (0.3, 0.9, 0.4, False),
    "its words stand nowhere": (0.1, 0.0, 0.1, False),
}


@pytest.mark.parametrize(("alone", "own", "both", "together"), READINGS.values(), ids=READINGS)
def test_another_question_follows_where_it_finds_little_by_itself_and_its_words_are_met(
    alone: float, own: float, both: float, together: bool
) -> None:
    assert belongs_together(alone, own, both) is together


def test_what_was_asked_last_is_the_earlier_question() -> None:
    assert earlier_question(asked("How do I set up the VPN?", "The VPN shows error 809")) == "The VPN shows error 809"


def test_without_a_history_there_is_none() -> None:
    assert earlier_question(()) is None


def test_answers_are_no_questions() -> None:
    assert earlier_question(asked("VPN?")[1:]) is None


def test_a_long_question_is_cut() -> None:
    assert earlier_question(asked("x" * 5000)) == "x" * 600


def test_two_questions_are_read_one_after_the_other() -> None:
    assert joined("The VPN shows error 809", "And on a Mac?") == "The VPN shows error 809\nAnd on a Mac?"
