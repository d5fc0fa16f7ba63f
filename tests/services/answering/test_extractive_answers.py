"""Extractive answers: the evidence's own sentences, in order, whole, and within their length."""

import pytest

from app.adapters.tokens import open_counter
from app.domain.knowledge import Document, PassageKind
from app.services.answering.extractive import extract, fit
from app.services.answering.grounding import verbatim
from app.services.answering.rendering import Carried, number, render
from tests.answer_builders import (
    PRINTER,
    TEAMS,
    VPN,
    WIKI,
    article,
    evidence_of,
    hit_of,
    page,
    passage_of,
    release_of,
    words,
)

COUNT = open_counter()


def answer(
    document: Document, question: str = "how", max_tokens: int = 500, kind: PassageKind | None = None
) -> tuple[list[Carried], bool]:
    found = evidence_of(hit_of(document, kind))
    return extract(question, found, release_of(document, TEAMS), words, max_tokens)


def texts(units: list[Carried]) -> list[str]:
    return [unit.text for unit in units]


def test_an_article_answers_with_its_steps_in_order_and_then_the_next_resort() -> None:
    units, whole = answer(VPN)
    assert whole
    assert [text.partition(".")[0] for text in texts(units)[:5]] == ["1", "2", "3", "4", "5"]
    assert texts(units)[5:] == [
        "Connect through a phone's hotspot.",
        "Tell the network team the time of the attempt.",
    ]


def test_every_sentence_ends_with_the_mark_of_its_source() -> None:
    units, _ = answer(VPN)
    assert [item.number for item in number(units)] == [1] * 5 + [2] * 2
    assert [line[-4:] for line in "".join(render(units)).splitlines()] == [" [1]"] * 5 + [" [2]"]
    assert "".join(render(units)).count("[2]") == 2


def test_bold_marks_are_left_out_and_code_marks_stay() -> None:
    units, _ = answer(TEAMS)
    assert texts(units)[0] == "1. Right-click the Teams icon in the notification area and choose Quit."
    assert "`Win+R`" in texts(units)[2]


def test_the_labels_of_risky_steps_stay() -> None:
    units, _ = answer(VPN)
    assert [text for text in texts(units) if "[admin]" in text] == texts(units)[2:4]


def test_why_is_answered_with_the_cause_first() -> None:
    units, whole = answer(VPN, "Why do I get error 809?")
    assert whole
    assert texts(units)[:2] == [
        "A router drops the packets of the tunnel.",
        "1. Restart the router and connect the VPN again.",
    ]


@pytest.mark.parametrize("question", ["warum geht das nicht", "pourquoi ?", "¿Por qué falla?", "what does 809 mean"])
def test_why_is_understood_in_every_language(question: str) -> None:
    units, _ = answer(VPN, question)
    assert texts(units)[0].startswith("A router drops")


@pytest.mark.parametrize(
    "question",
    ["it is still not working", "I tried all that", "what now?", "immer noch kaputt", "sigue igual", "toujours rien"],
)
def test_what_now_is_answered_with_the_next_resort_first(question: str) -> None:
    units, whole = answer(VPN, question)
    assert whole
    assert texts(units)[0] == "Connect through a phone's hotspot."
    assert texts(units)[2].startswith("1. ")
    assert len(units) == 7


def test_an_article_without_a_cause_or_next_resort_answers_such_questions_with_its_steps() -> None:
    plain = article("a", "A", symptom="It is slow.", steps=("Restart it.", "Wait."))
    for question in ("why", "still not working"):
        assert texts(answer(plain, question)[0]) == ["1. Restart it.", "2. Wait."]


def test_a_ticket_answers_with_its_resolution() -> None:
    units, whole = answer(PRINTER)
    assert whole
    assert texts(units) == [
        "The seal of the new toner was still on.",
        "We pulled the orange strip and printed a test page.",
    ]


def test_a_page_without_sections_answers_from_its_best_passage() -> None:
    long = page("long", "Long", "\n\n".join(f"Part {at} is about {'words ' * 110}here." for at in range(3)))
    passages = release_of(long).own_passages("long")
    assert len(passages) == 3
    found = evidence_of(hit_of(long))
    hit = found.hits[0]
    units, whole = extract(
        "how", evidence_of(type(hit)(long, passages[1], 0.9, 0.8, 1.0)), release_of(long), words, 500
    )
    assert whole
    assert [text[:6] for text in texts(units)] == ["Part 1"]
    assert {unit.passage.id for unit in units} == {"long#1"}


def test_a_page_leaves_out_what_is_no_whole_sentence_unless_there_is_no_other() -> None:
    cut = page("p", "P", "First it is whole.\nThen it is cut in the mid")
    assert texts(answer(cut)[0]) == ["First it is whole."]
    assert [unit.line for unit in answer(cut)[0]] == [True]
    assert texts(answer(page("q", "Q", "only a heading"))[0]) == ["only a heading"]


def test_an_article_of_other_sections_alone_answers_from_the_passage_found() -> None:
    other = article("a", "A", body="It is in the cellar. Take the stairs.")
    assert texts(answer(other)[0]) == ["It is in the cellar.", "Take the stairs."]
    symptoms = article("b", "B", symptom="It is slow. It is late.", cause="It is old.")
    assert texts(answer(symptoms)[0]) == ["It is slow.", "It is late."]


def test_other_sections_are_no_part_of_the_steps() -> None:
    both = article("a", "A", steps=("Restart it.",), body="It is in the cellar.")
    assert texts(answer(both)[0]) == ["1. Restart it."]


def test_what_does_not_fit_is_left_out_and_said_to_be() -> None:
    units, whole = answer(VPN, max_tokens=30)
    assert not whole
    assert sum(words(text) for text in texts(units)) <= 30
    assert texts(units) == sorted(texts(units))


def test_warnings_and_risky_steps_are_kept_before_others() -> None:
    units, whole = answer(VPN, max_tokens=48)
    assert not whole
    assert [text[0] for text in texts(units)] == ["2", "3", "4", "5"]


def test_the_words_of_the_question_decide_between_equal_steps() -> None:
    equal = article(
        "a", "A", steps=("Open the red box there.", "Open the blue box there.", "Open the green box there.")
    )
    units, _ = answer(equal, "where is the blue one", max_tokens=6)
    assert texts(units) == ["2. Open the blue box there."]


def test_a_sentence_that_is_too_long_gives_way_to_those_that_fit() -> None:
    mixed = page("p", "P", f"Use port 443 and port 80 for {'it ' * 60}now. Call us.")
    units, whole = answer(mixed, max_tokens=50)
    assert not whole
    assert texts(units) == ["Call us."]


def test_room_that_a_long_sentence_leaves_is_used() -> None:
    steps = (f"Use port 443 {'and ' * 20}wait.", f"Use ports 1, 2, 3 {'or ' * 20}wait.", "Go home.")
    units, whole = answer(article("a", "A", steps=steps), max_tokens=32)
    assert not whole
    assert [text[0] for text in texts(units)] == ["2", "3"]


def test_a_cause_too_long_for_the_answer_leaves_room_for_the_steps() -> None:
    wordy = article("a", "A", cause=f"It is {'very ' * 60}old.", steps=("Restart it.", "Wait."))
    units, whole = answer(wordy, "why", max_tokens=50)
    assert texts(units) == ["1. Restart it.", "2. Wait."]
    assert not whole


def test_nothing_fits_nothing_is_said() -> None:
    units, whole = answer(page("p", "P", f"It is {'very ' * 60}long."), max_tokens=50)
    assert (units, whole) == ([], False)


def test_the_next_resort_is_no_part_of_an_answer_that_is_not_whole() -> None:
    short = article("a", "A", steps=(f"Wait {'and ' * 60}see.", "Go."), fallback="Call us.")
    assert texts(answer(short, max_tokens=50)[0]) == ["2. Go."]


def test_fit_keeps_everything_that_fits() -> None:
    passage = passage_of(VPN, PassageKind.STEPS)
    units = [Carried(text, passage, VPN) for text in ("a b", "c d e", "f")]
    assert fit(units, words, 6, "") == units
    assert texts(fit(units, words, 5, "")) == ["a b", "c d e"]
    assert fit(units, words, 0, "") == []


def test_every_passage_of_the_fixtures_says_what_it_holds() -> None:
    for document in (TEAMS, VPN, PRINTER, WIKI):
        for unit in answer(document)[0]:
            assert verbatim(unit.text, unit.passage)
