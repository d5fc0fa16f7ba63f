"""Extractive answers of any document, to any length: whole sentences, in order, within it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.tokens import open_counter
from app.domain.knowledge import Document
from app.services.answering.extractive import extract
from app.services.answering.grounding import verbatim
from app.services.answering.sentences import is_whole
from tests.answer_builders import (
    article,
    evidence_of,
    hit_of,
    release_of,
)

COUNT = open_counter()


SENTENCE = st.builds(
    lambda first, rest, end: f"{first} {' '.join(rest)}{end}",
    st.sampled_from(["Open", "Do not close", "Run", "Restart"]),
    st.lists(
        st.sampled_from(["the", "`sfc /scannow`", "Wi-Fi", "port 443", "menu", "**Quit**", "größer", "e.g."]),
        max_size=60,
    ),
    st.sampled_from([".", "!", "…"]),
)
PARAGRAPH = st.lists(SENTENCE, max_size=4).map(" ".join)
LABELLED = st.builds(lambda label, text: label + text, st.sampled_from(["", "[admin] ", "[destructive] "]), PARAGRAPH)
DOCUMENTS = st.builds(
    lambda symptom, cause, steps, fallback, body: article(
        "d",
        "Title",
        symptom=symptom,
        cause=cause,
        steps=[step for step in steps if step[-1:] in ".!…"],
        fallback=fallback,
        body=body,
    ),
    PARAGRAPH,
    PARAGRAPH,
    st.lists(LABELLED, max_size=9),
    PARAGRAPH,
    PARAGRAPH,
).filter(lambda document: bool(document.sections))
QUESTIONS = st.sampled_from(["how do I", "why is it", "still not working", "the port 443"])


@given(DOCUMENTS, QUESTIONS, st.integers(50, 500))
@settings(derandomize=True, deadline=None, max_examples=150)
def test_answers_are_whole_sentences_within_their_length(document: Document, question: str, most: int) -> None:
    release = release_of(document)
    found = evidence_of(hit_of(document))
    units, whole = extract(question, found, release, COUNT, most)
    everything, _ = extract(question, found, release, COUNT, 10**6)
    assert sum(COUNT(unit.text) for unit in units) <= most
    assert all(is_whole(unit.text) and verbatim(unit.text, unit.passage) for unit in units)
    in_order = iter(everything)
    assert all(unit in in_order for unit in units)
    assert whole or len(units) < len(everything)
    assert whole or sum(COUNT(unit.text) for unit in everything) > most
    assert {unit.passage.document_id for unit in units} <= {document.id}
    if whole:
        needed = [unit for unit in everything if unit.line]
        assert [unit for unit in units if unit.line] == needed
