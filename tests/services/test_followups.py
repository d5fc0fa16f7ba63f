"""Questions that lean on those before."""

from pathlib import Path

import pytest

from app.services.retrieval.followups import (
    asked_in,
    belongs_together,
    rarity,
    standalone,
    surely_follows,
    topic_words,
)
from tests.builders import asked, document, release

LONG = "How do I connect the second monitor to my new docking station at the office"

FOLLOWS = {
    "And on a Mac?": True,
    "…and on a Mac?": True,
    "printer offline": True,
    "still the same after I restarted the laptop and the router at home": True,
    "How do I undo that?": True,
    "where do I find it on Windows 11?": True,
    "there is no such button in my window, I looked twice": True,
    "no, the light stays red": True,
    "no luck": True,
    "und auf dem Laptop meiner Kollegin im anderen Büro in Berlin": True,
    "Wie mache ich das rückgängig?": True,
    "Was ist mit dem iPhone meiner Chefin im Außendienst?": True,
    "et sur le portable de ma collègue du bureau de Lyon": True,
    "Comment faire ça sur un Mac ?": True,
    "pero en el portátil de mi compañera de la oficina de Madrid": True,
    "¿Cómo lo hago en el móvil?": True,
    "Android phone does not ring": False,
    "no new emails since this morning": False,
    "no me llegan las notificaciones al movil": False,
    "Wie ändere ich das Passwort für mein Postfach?": False,
    "How do I reach IT at night?": False,
    "Now " + "and then the screen of my laptop goes black for a second " * 4: False,
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


def weigh(word: str) -> float:
    return {"vpn": 3.0, "809": 5.0, "router": 2.0, "mac": 2.5, "fritzbox": 6.0}.get(word.casefold(), 0.0)


def test_only_questions_are_asked() -> None:
    assert asked_in(asked("How do I set up the VPN?", "It shows error 809")) == [
        "How do I set up the VPN?",
        "It shows error 809",
    ]


def test_a_long_question_is_cut() -> None:
    assert asked_in(asked("x" * 5000)) == ["x" * 600]


def test_without_a_history_a_question_stands_alone() -> None:
    assert standalone((), "VPN?", weigh) == "VPN?"
    assert standalone(asked("VPN?")[1:], "And on a Mac?", weigh) == "And on a Mac?"


def test_a_question_is_said_before_and_after_the_last_one() -> None:
    made = standalone(asked("The VPN shows error 809"), "And on a Mac?", weigh)
    assert made == "And on a Mac?\nThe VPN shows error 809\nAnd on a Mac?"


def test_the_topic_of_older_questions_goes_in_between() -> None:
    history = asked("My Fritzbox drops the VPN", "Which router do you mean?", "error 809 again")
    made = standalone(history, "And on a Mac?", weigh)
    assert made == "And on a Mac?\nFritzbox VPN router\nerror 809 again\nAnd on a Mac?"


def test_only_words_that_were_said_are_ever_used() -> None:
    history = asked("My Fritzbox drops the VPN", "Which router?")
    said = " ".join(turn.content for turn in history) + " And on a Mac?"
    assert set(standalone(history, "And on a Mac?", weigh).split()) <= set(said.split()) | {"router"}


def test_words_fade_and_gain_by_being_said_again() -> None:
    asked_before = ["809", "mac", "router", "router"]
    assert topic_words(asked_before, "", weigh, 1) == ["router"]
    assert topic_words(["vpn", "mac"], "", weigh, 1) == ["mac"]


def test_words_of_the_question_are_not_said_again() -> None:
    assert topic_words(["My VPN on a Mac"], "and the vpn?", weigh) == ["Mac"]


def test_a_rare_word_tells_more_and_an_unknown_one_nothing(tmp_path: Path) -> None:
    texts = ("printer is offline", "printer has no toner", "printer and scanner")
    opened = release(tmp_path, *(document(f"d{at}", text) for at, text in enumerate(texts)))
    tells = rarity(opened.lexical)
    assert tells("toner") > tells("printer") > tells("the") == tells("flux") == 0.0
