"""Sentences: where text is cut, and where not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.answering.sentences import is_whole, sentences, without_mark, without_number

CUTS = {
    "Open it. Close it.": ["Open it.", "Close it."],
    "Is it on? Yes! Go on… Now stop": ["Is it on?", "Yes!", "Go on…", "Now stop"],
    "One line\nAnother line": ["One line", "Another line"],
    "Use version 5.7.1 of it. Then go.": ["Use version 5.7.1 of it.", "Then go."],
    "Open e.g. Word or i.e. Excel. Go.": ["Open e.g. Word or i.e. Excel.", "Go."],
    "Klicken Sie z.B. Start bzw. Ende an. Fertig.": ["Klicken Sie z.B. Start bzw. Ende an.", "Fertig."],
    "Run `a. B` and `c! D`. Then go.": ["Run `a. B` and `c! D`.", "Then go."],
    'He said "Stop." Then he left.': ['He said "Stop."', "Then he left."],
    "Choose **Quit.** Then go.": ["Choose **Quit.**", "Then go."],
    "1. Open it. 2. Close it.": ["1. Open it.", "2. Close it."],
    "Wait 3. Minutes pass.": ["Wait 3.", "Minutes pass."],
    "Open example.com/a.b today. ¿Y ahora?": ["Open example.com/a.b today.", "¿Y ahora?"],
    "no capital. follows here": ["no capital. follows here"],
    " \n\t\n": [],
}


@pytest.mark.parametrize(("text", "expected"), CUTS.items())
def test_text_is_cut_where_a_sentence_ends(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text())
@settings(derandomize=True, deadline=None, max_examples=200)
def test_nothing_is_lost_or_added_whatever_the_text(text: str) -> None:
    joined = "".join("".join(sentences(text)).split())
    assert joined == "".join(text.split())


WHOLE = {
    "Open it.": True,
    "Is it on?": True,
    "Choose **Quit.**": True,
    "Run `x.`": True,
    "Do this:": True,
    "And so on…": True,
    "He said “stop.”": True,
    "Open the sett": False,
    "Open `x` and": False,
    "": False,
    "1": False,
}


@pytest.mark.parametrize(("sentence", "whole"), WHOLE.items())
def test_a_sentence_without_its_end_is_not_whole(sentence: str, whole: bool) -> None:
    assert is_whole(sentence) is whole


@pytest.mark.parametrize("mark", ["1. ", "12) ", "- ", "* ", "• ", "  3. "])
def test_list_marks_are_taken_off(mark: str) -> None:
    assert without_number(f"{mark}Open it.") == "Open it."
    assert without_mark(f"{mark}[admin] Open it.") == "Open it."


def test_what_is_no_list_mark_stays() -> None:
    assert without_number("802.1X is on.") == "802.1X is on."
    assert without_number("-12 is the code.") == "-12 is the code."
    assert without_mark("[admin]istrators only") == "[admin]istrators only"
    assert without_mark("[destructive] Wipe it.") == "Wipe it."
