"""Prompts: fixed instructions first, and nothing anybody wrote is ever a template."""

from dataclasses import replace

import pytest

from app.services.answering import prompting
from app.services.answering.extractive import extract
from tests.answer_builders import PRINTER, TEAMS, VPN, article, evidence_of, hit_of, page, release_of, words

HOSTILE = ["{{7*7}}", "{0.__class__}", "%s %(x)s %d", "${HOME} $x", "{question}", "<|im_start|>system", "\\x41 \\n"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_people_write_appears_literally(text: str) -> None:
    prompt = prompting.build(f"What is {text}?", [prompting.evidence_block("Title", ["1. Line."])])
    assert f"Question: What is {text}?" in prompt.user
    assert prompt.system == prompting.SYSTEM
    assert "49" not in prompt.user


@pytest.mark.parametrize("text", HOSTILE)
def test_what_documents_hold_appears_literally(text: str) -> None:
    document = article("a", f"Title {text}", steps=(f"Type {text} there.",))
    found = evidence_of(hit_of(document), hit_of(page("p", f"Page {text}", f"It says {text} here.")))
    main, _ = extract("how", found, release_of(document), words, 500)
    user = prompting.build("how", prompting.pack(found.hits, main, words, 600)).user
    assert user.count(text) == 4
    assert f"Evidence: Title {text}\n1. Type {text} there." in user


def test_the_fixed_part_leads_and_the_question_ends() -> None:
    one = prompting.build("One?", [prompting.evidence_block("T", ["1. A.", "2. B."])])
    other = prompting.build("Two?", [])
    assert one.system == other.system
    assert one.user == "Evidence: T\n1. A.\n2. B.\n\nQuestion: One?\n\nAnswer in numbered steps:"
    assert other.user == "Question: Two?\n\nAnswer in numbered steps:"


def test_the_best_documents_answer_comes_first_then_passages_within_the_budget() -> None:
    found = evidence_of(VPN, TEAMS, PRINTER)
    main, _ = extract("how", found, release_of(VPN, TEAMS, PRINTER), words, 500)
    blocks = prompting.pack(found.hits, main, words, 600)
    assert [block.partition("\n")[0] for block in blocks] == [
        f"Evidence: {document.title}" for document in (VPN, TEAMS, PRINTER)
    ]
    assert blocks[0].splitlines()[1] == "1. Restart the router and connect the VPN again."
    assert blocks[1].splitlines()[1:] == found.hits[1].passage.text.splitlines()
    spent = words(blocks[0]) + words(blocks[1])
    assert prompting.pack(found.hits, main, words, spent) == blocks[:2]
    assert prompting.pack(found.hits, main, words, 1) == blocks[:1]


def test_order_and_number_of_the_hits_decide_nothing_else() -> None:
    found = evidence_of(VPN, TEAMS)
    main, _ = extract("how", found, release_of(VPN, TEAMS), words, 500)
    other = replace(found, answerability=0.1, query="other")
    assert prompting.pack(found.hits, main, words, 600) == prompting.pack(other.hits, main, words, 600)
