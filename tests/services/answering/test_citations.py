"""Citations: every sentence carries the number of its source, and the pieces are the text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.answers import Draft, Outcome
from app.domain.knowledge import Passage, PassageKind
from app.services.answering.rendering import Carried, cite, number, render, split_pieces
from tests.answer_builders import TEAMS

TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda text: bool(text.strip())
)


def carried(texts: list[tuple[str, int, bool]]) -> list[Carried]:
    passages = [Passage(f"teams#{at}", "teams", at, PassageKind.STEPS, "Steps", "text") for at in range(4)]
    return [Carried(text, passages[at], TEAMS, line) for text, at, line in texts]


UNITS = st.lists(st.tuples(TEXTS, st.integers(0, 3), st.booleans()), max_size=8).map(carried)


def draft_of(units: list[Carried]) -> Draft:
    return Draft("".join(render(units)), Outcome.ANSWERED, number(units), cite(units))


def test_steps_stand_on_lines_of_their_own_and_prose_runs_on() -> None:
    units = carried(
        [("Why.", 0, False), ("So.", 0, False), ("1. Do.", 1, True), ("2. Go.", 1, True), ("Else.", 2, False)]
    )
    assert "".join(render(units)) == "Why. [1] So. [1]\n1. Do. [2]\n2. Go. [2]\nElse. [3]"


def test_sources_are_numbered_in_the_order_of_their_first_use() -> None:
    units = carried([("A.", 3, False), ("B.", 1, False), ("C.", 3, False)])
    assert [(item.number, item.passage_id) for item in cite(units)] == [(1, "teams#3"), (2, "teams#1")]
    assert [(item.number, item.passage_id) for item in number(units)] == [
        (1, "teams#3"),
        (2, "teams#1"),
        (1, "teams#3"),
    ]
    assert [item.quote for item in cite(units)] == ["A.", "B."]
    assert {item.title for item in cite(units)} == {TEAMS.title}


@given(UNITS)
@settings(derandomize=True, deadline=None, max_examples=200)
def test_pieces_joined_are_the_text_one_for_each_sentence(units: list[Carried]) -> None:
    draft = draft_of(units)
    pieces = split_pieces(draft)
    assert "".join(pieces) == draft.text
    assert pieces == [piece for piece in render(units) if piece]
    assert all(
        piece.endswith(f"{item.text} [{item.number}]") for piece, item in zip(pieces, draft.sentences, strict=True)
    )


@given(UNITS)
@settings(derandomize=True, deadline=None, max_examples=100)
def test_marks_and_citations_agree(units: list[Carried]) -> None:
    draft = draft_of(units)
    sources = {citation.number: citation.passage_id for citation in draft.citations}
    assert [citation.number for citation in draft.citations] == list(range(1, len(sources) + 1))
    assert all(sources[sentence.number] == sentence.passage_id for sentence in draft.sentences)
    assert {sentence.number for sentence in draft.sentences} == set(sources)


def test_a_sentence_that_holds_a_mark_of_its_own_is_not_split_there() -> None:
    draft = draft_of(carried([("Press [1] [1]", 0, False), ("Press [1] [1]", 0, False)]))
    assert split_pieces(draft) == ["Press [1] [1] [1]", " Press [1] [1] [1]"]


def test_text_without_sentences_is_one_piece() -> None:
    assert split_pieces(Draft("Nothing is known.", Outcome.NO_CONTEXT)) == ["Nothing is known."]
    assert split_pieces(Draft("", Outcome.NO_CONTEXT)) == []
