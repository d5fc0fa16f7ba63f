"""The little that plain data does by itself."""

import importlib
import pkgutil
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import domain
from app.domain.answers import Usage
from app.domain.evaluation import Half, Labelled
from app.domain.health import Check, Condition, Health
from app.domain.knowledge import Document, DocumentKind, Origin, Passage, PassageKind, Section, SectionKind
from app.domain.retrieval import Filters
from app.domain.text import fold

OK, DEGRADED, LOADING, UNAVAILABLE = Condition.OK, Condition.DEGRADED, Condition.LOADING, Condition.UNAVAILABLE

SUMS = {
    "all is well": ([(OK, True), (OK, False)], OK, True),
    "a vital part limps": ([(DEGRADED, True)], DEGRADED, True),
    "another part is gone": ([(OK, True), (UNAVAILABLE, False)], DEGRADED, True),
    "a vital part loads": ([(LOADING, True), (OK, True)], LOADING, False),
    "a vital part is gone": ([(LOADING, True), (UNAVAILABLE, True)], UNAVAILABLE, False),
    "a vital part loads, another is gone": ([(LOADING, True), (UNAVAILABLE, False)], LOADING, False),
    "nothing to check": ([], OK, True),
}


@pytest.mark.parametrize(("parts", "condition", "usable"), SUMS.values(), ids=SUMS)
def test_health_sums_up_its_parts(parts: list[tuple[Condition, bool]], condition: Condition, usable: bool) -> None:
    health = Health(tuple(Check(str(at), state, "", vital) for at, (state, vital) in enumerate(parts)))
    assert (health.condition, health.usable) == (condition, usable)


def labelled(name: str) -> Labelled:
    return Labelled(name, "?", "en", "plain", ("a",), (), answerable=True)


def test_both_halves_of_the_questions_are_about_as_large_and_stay_as_they_are() -> None:
    halves = [labelled(f"q-{number}").half for number in range(400)]
    assert 160 < halves.count(Half.CHECK) < 240
    assert [labelled(name).half for name in ("q-0", "q-1", "q-2", "q-3")] == halves[:4]


def test_tokens_are_added_up() -> None:
    assert Usage(30, 12).total_tokens == 42


def test_filters_are_true_where_they_ask_for_something() -> None:
    assert Filters({"category": frozenset({"vpn"})})
    assert not Filters()


def test_a_document_gives_its_first_section_of_a_kind() -> None:
    first, second = Section("A", SectionKind.BODY, "a"), Section("B", SectionKind.BODY, "b")
    document = Document("d", DocumentKind.ARTICLE, "T", (first, second))
    assert document.section(SectionKind.BODY) is first
    assert document.section(SectionKind.STEPS) is None


def test_where_a_document_was_read_from_makes_it_no_other() -> None:
    here, there = (Document("d", DocumentKind.PAGE, "T", (), origin=Origin(path)) for path in "ab")
    assert here == there


@pytest.mark.parametrize(
    ("kind", "title", "searched"),
    [(PassageKind.BODY, "Title", "Title\ntext"), (PassageKind.BODY, "", "text"), (PassageKind.ALIAS, "Title", "text")],
)
def test_a_passage_is_searched_under_its_title_a_name_alone(kind: PassageKind, title: str, searched: str) -> None:
    assert Passage("d#0", "d", 0, kind, "", "text").searchable(title) == searched


FOLDED = {"Größe": "grosse", "ÉCRAN": "ecran", "№ 5": "no 5", "ﬁle": "file", "İstanbul": "istanbul", "Wi-Fi": "wi-fi"}


@pytest.mark.parametrize(("text", "folded"), FOLDED.items())
def test_words_are_compared_whatever_their_case_and_accents(text: str, folded: str) -> None:
    assert fold(text) == folded


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def domain_dataclasses() -> list[type]:
    names = [f"{domain.__name__}.{found.name}" for found in pkgutil.iter_modules(domain.__path__)]
    kinds = {kind for name in names for kind in vars(importlib.import_module(name)).values() if is_dataclass(kind)}
    return sorted((kind for kind in kinds if isinstance(kind, type)), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", domain_dataclasses())
def test_what_the_service_talks_about_never_changes(kind: type) -> None:
    blank: object = object.__new__(kind)
    with pytest.raises(FrozenInstanceError):
        setattr(blank, fields(kind)[0].name, None)
