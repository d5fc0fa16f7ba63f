"""Splitting what is still being written: the same sentences as of the whole, none of them taken back."""

from hypothesis import given
from hypothesis import strategies as st

from app.services.answering.sentences import SentenceReader

PARTS = [
    "Do it. ",
    "Open ",
    "`Settings. Then",
    "`",
    " [1]",
    "[",
    "12",
    "]",
    "\n",
    "\r\n",
    "1. ",
    "e.g. ",
    "Go! ",
    "...",
    "(A",
]


def read(text: str, *cuts: int) -> list[list[str]]:
    reader, ends = SentenceReader(), [*sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return [*(reader.read(piece) for piece in pieces), reader.end()]


def joined(groups: list[list[str]]) -> list[str]:
    return [sentence for group in groups for sentence in group]


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join), st.data())
def test_pieces_of_any_size_give_the_same_sentences(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    assert joined(read(text, *cuts)) == joined(read(text)) == joined(read(text, *range(len(text))))


def test_a_sentence_comes_as_soon_as_the_next_one_begins() -> None:
    assert read("Do it. Then go.\nEnd", 6, 8, 15, 16) == [[], ["Do it."], [], ["Then go."], [], ["End"]]


def test_what_may_still_be_code_is_waited_for() -> None:
    assert read("Type `a. B", 8) == [[], [], ["Type `a.", "B"]]
    assert read("Type `a. B` now. Go", 10, 19) == [[], ["Type `a. B` now."], [], ["Go"]]


def test_marks_of_the_models_own_are_left_out() -> None:
    assert joined(read("Do it [3]. Then [12][1] go. [4]\nEnd [x].", 7, 20, 21)) == ["Do it.", "Then go.", "End [x]."]
