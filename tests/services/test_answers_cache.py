"""Cached answers: what is kept comes back whole, and what is not ours does not come back."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.answers import Draft, Grounding, Outcome, Usage
from app.domain.conversations import Device, Question, Role, Turn
from app.domain.retrieval import Evidence, Filters, HitWarning
from app.services import answers_cache
from app.services.answering.rendering import Carried, cite, number, render
from tests.answer_builders import PRINTER, TEAMS, VPN, evidence_of, release_of

RELEASE = release_of(TEAMS, VPN, PRINTER)
KEY = "0" * 64
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=20)


def draft_of(*texts: str, outcome: Outcome = Outcome.ANSWERED) -> Draft:
    units = [Carried(text, RELEASE.passages[at % 2], TEAMS) for at, text in enumerate(texts)]
    return Draft(
        "".join(render(units)), outcome, number(units), cite(units), Grounding("extractive", 2, 2), Usage(3, 4), "m"
    )


FOUND = evidence_of(VPN, TEAMS, query="the question")


def kept(draft: Draft | None = None, found: Evidence = FOUND) -> bytes:
    return answers_cache.dump(KEY, draft or draft_of("A.", "B."), found, RELEASE)


def altered(**values: Any) -> bytes:
    return json.dumps({**json.loads(kept()), **values}).encode()


def hit_with(**values: Any) -> bytes:
    first = json.loads(kept())["hits"][0]
    return altered(hits=[{**first, **values}])


@given(st.lists(TEXTS, max_size=5), TEXTS, st.floats(0, 1), st.sampled_from(Outcome), st.booleans())
@settings(derandomize=True, deadline=None, max_examples=60)
def test_what_is_kept_comes_back(texts: list[str], query: str, score: float, outcome: Outcome, enough: bool) -> None:
    draft = draft_of(*texts, outcome=outcome)
    found = replace(FOUND, query=query, answerability=score, sufficient=enough)
    assert answers_cache.load(KEY, kept(draft, found), RELEASE) == (draft, found)


def test_hits_are_kept_by_reference() -> None:
    assert b"Restart the router" not in kept()
    known = answers_cache.load(KEY, kept(), RELEASE)
    assert known is not None
    assert [hit.document for hit in known[1].hits] == [VPN, TEAMS]


def test_warnings_and_duplicates_are_kept() -> None:
    warnings = (HitWarning.VERSION_MISMATCH, HitWarning.OTHER_SITE)
    told = tuple(replace(hit, warnings=warnings, duplicates=("copy",)) for hit in FOUND.hits)
    known = answers_cache.load(KEY, kept(found=replace(FOUND, hits=told)), RELEASE)
    assert known is not None
    assert known[1].hits == told
    assert answers_cache.load(KEY, hit_with(), RELEASE) is not None


def test_nothing_kept_is_nothing_known() -> None:
    assert answers_cache.load(KEY, None, RELEASE) is None


FOREIGN = {
    "empty": b"",
    "no JSON": b"{",
    "not UTF-8": b"\xff",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "another key": altered(key="1" * 64),
    "an older schema": altered(schema_version=answers_cache.SCHEMA - 1),
    "a newer schema": altered(schema_version=answers_cache.SCHEMA + 1),
    "an unknown field": altered(extra=1),
    "a missing field": altered(draft=None),
    "an unknown outcome": altered(draft={"text": "A", "outcome": "fine"}),
    "a row that is not there": hit_with(row=999),
    "a row from the end": hit_with(row=-1),
    "a huge row": hit_with(row=10**30),
    "a document that is gone": hit_with(document_id="gone"),
    "an unknown warning": hit_with(warnings=["fine"]),
    "a hit without its warnings": hit_with(warnings=None),
    "no number": kept().replace(b'"answerability":0.9', b'"answerability":NaN'),
    "text without its sentences": altered(draft={**json.loads(kept())["draft"], "text": "Anything at all."}),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_not_ours_counts_as_a_miss(what: str) -> None:
    assert FOREIGN[what] != kept()
    assert answers_cache.load(KEY, FOREIGN[what], RELEASE) is None


def test_another_release_reads_nothing_of_documents_it_does_not_hold() -> None:
    assert answers_cache.load(KEY, kept(), release_of(PRINTER)) is None


def keys_of(question: Question, history: tuple[Turn, ...] = (), parts: tuple[str, ...] = ("r1", "m")) -> str:
    return answers_cache.key_of(question, history, parts)


def test_the_key_holds_everything_that_could_change_the_answer() -> None:
    asked = Question("q")
    now = datetime.now(UTC)
    said = (Turn("1", Role.USER, "a", now), Turn("2", Role.ASSISTANT, "b", now))
    keys = [
        keys_of(asked),
        keys_of(replace(asked, text="Q")),
        keys_of(replace(asked, top_k=5)),
        keys_of(replace(asked, max_tokens=151)),
        keys_of(replace(asked, language="en")),
        *(
            keys_of(replace(asked, device=replace(Device(), **{name: "x"})))
            for name in ("os", "app", "version", "site")
        ),
        keys_of(replace(asked, filters=Filters({"a": frozenset({"x"})}))),
        keys_of(replace(asked, filters=Filters({"a": frozenset({"x", "y"})}))),
        keys_of(replace(asked, filters=Filters({"b": frozenset({"x"})}))),
        keys_of(asked, said),
        keys_of(asked, said[:1]),
        keys_of(asked, (replace(said[0], role=Role.ASSISTANT), said[1])),
        keys_of(asked, parts=("r2", "m")),
        keys_of(asked, parts=("r1", "n")),
        keys_of(asked, parts=("r1m",)),
    ]
    assert len(set(keys)) == len(keys)


def test_the_key_holds_nothing_else() -> None:
    asked = Question("a  b\n", owner="ann", conversation_id="c")
    many = Filters({"b": frozenset({"x", "y"}), "a": frozenset({"z"})})
    turned = Filters({"a": frozenset({"z"}), "b": frozenset({"y", "x"})})
    early, late = (Turn(str(at), Role.USER, "a", datetime(2026, 1, at, tzinfo=UTC)) for at in (1, 2))
    assert keys_of(asked) == keys_of(Question("a b", owner="bob"))
    assert keys_of(replace(asked, filters=many)) == keys_of(replace(asked, filters=turned))
    assert keys_of(asked, (early,)) == keys_of(asked, (late,))


def test_any_text_has_a_key() -> None:
    assert len(keys_of(Question("\ud800 lone and secret"))) == 64
