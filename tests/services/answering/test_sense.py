"""Sense: sentences that say something else in nearly the same words."""

import re

import pytest

from app.adapters.index.bm25_index import Bm25Index
from app.services.answering.sense import Sense

COMMON = frozenset(
    re.findall(
        r"\w+",
        "a again and anybody app badge before client close do first fold forget icon in is it menu minutes nothing of"
        " off on open page press restart router share start takes the then three window your password wait two twelve",
    )
)
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
SENSE = Sense(Bm25Index([]).analyse, COMMON.__contains__)

BROUGHT_IN = [
    ("Uninstall the app.", "Close the app.", ["uninstall"]),
    ("Restarting the app is first.", "Restart the app.", []),
    ("Restart the router.", "Share the router.", ["restart"]),
    ("Wait three minutes.", "Wait 3 minutes.", []),
    ("Wait twelve minutes.", "Wait 3 minutes.", ["twelve"]),
    ("Open winsock in it.", "Open the menu in it.", ["winsock"]),
    ("Then open the page.", "Open the page.", []),
    ("It takes longer.", "It takes a minute.", ["longer"]),
    ("Wait 5 minutes.", "Wait 3 minutes.", []),
]


@pytest.mark.parametrize(("text", "source", "expected"), BROUGHT_IN)
def test_deeds_measures_and_names_may_not_be_brought_in(text: str, source: str, expected: list[str]) -> None:
    assert SENSE.brought_in(text, source, source) == expected


def test_a_deed_must_be_told_by_the_nearest_sentence_a_name_by_the_passage() -> None:
    source = "Restart the router.\nOpen winsock and the page."
    assert SENSE.brought_in("Restart the page in winsock.", source, "Open the page.") == ["restart"]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_number_word_counts(number: str) -> None:
    assert SENSE.brought_in(f"Wait {number} minutes.", "Wait 99 minutes.", "Wait 99 minutes.") == [number]


TURNED = [
    ("Share your password.", "Never share your password.", True),
    ("Do not restart the router.", "Restart the router.", True),
    ("You shouldn't restart the router.", "Do not restart the router.", False),
    ("Close the window; do not open the page.", "Do not close the window; open the page.", True),
    ("Do not close the window and open the page.", "Do not close the window; open the page.", False),
    ("Do not open the page.", "Do not close the window; open the page.", True),
    ("Close the window. Never share it.", "Never share it. Do not close the window.", True),
    ("Nothing.", "Nothing!", False),
    ("Press the left icon.", "Press the right icon.", True),
    ("Turn it off.", "Turn it on.", True),
    ("Turn it off and on.", "Turn it on and off.", False),
    ("Disable the app.", "Enable the app.", True),
    ("Do it after you restart.", "Do it before you restart.", True),
    ("It opens at 16:30 and closes at 8:00.", "It opens at 8:00 and closes at 16:30.", True),
    ("Open ports 500 and 4500.", "Open ports 500, 4500 and 1701.", False),
    ("Öffne das nicht.", "Öffne das.", True),
    ("Kein Fenster.", "Keine Fenster.", False),
]


@pytest.mark.parametrize(("text", "nearest", "turned"), TURNED)
def test_denials_opposites_and_swapped_numbers_are_noticed(text: str, nearest: str, turned: bool) -> None:
    assert SENSE.turned(text, nearest) is turned
