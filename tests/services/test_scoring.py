"""The order of hits, and their scores."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.knowledge import DocumentKind, PassageKind
from app.ports import Release
from app.services.retrieval.calibration import UNCALIBRATED, Calibration
from app.services.retrieval.fusion import Candidate
from app.services.retrieval.query import Query
from app.services.retrieval.scoring import Field, features, field_of, in_order, scored, shown_passage
from tests.builders import document, release

QUERY = Query("printer", "printer", "en", (), frozenset(), follow_up=False)
DOCUMENTS = (
    document("win", "Printer text.", title="A", metadata={"platform": ["windows"]}, steps=("Do it.",)),
    document("mac", "Printer text.", title="A", metadata={"platform": ["macos"]}, aliases={"en": ("no ink",)}),
    document("code", "The update shows 0x80070002 and stops.", title="C"),
    document("T-1", "Words of a user.", title="T", metadata={"article": "win"}),
    document("named", title="N", aliases={"en": ("only a name",)}),
    replace(document("T-9", "The fan was loud.", title="T"), kind=DocumentKind.TICKET),
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release(tmp_path_factory.mktemp("index"), *DOCUMENTS)


def candidate(opened: Release, name: str, fused: float = 0.5, text: str = "") -> Candidate:
    rows = [row for row in opened.rows[name] if text in opened.passages[row].text]
    return Candidate(name, rows[0], cosine=fused, lexical=0.0, points=3.0, fused=fused)


def names(ordered: list[Candidate]) -> list[str]:
    return [item.document_id for item in ordered]


def test_the_most_similar_comes_first_and_ties_stay_in_their_order(opened: Release) -> None:
    found = [candidate(opened, "mac", 0.4), candidate(opened, "win", 0.6), candidate(opened, "code", 0.4)]
    assert names(in_order(opened, found, QUERY)) == ["win", "mac", "code"]


def test_a_document_for_another_platform_gives_way(opened: Release) -> None:
    found = [candidate(opened, "win", 0.55), candidate(opened, "mac", 0.5)]
    assert names(in_order(opened, found, QUERY)) == ["win", "mac"]
    assert names(in_order(opened, found, replace(QUERY, platforms=frozenset({"macos"})))) == ["mac", "win"]


def test_a_document_with_the_error_code_comes_first(opened: Release) -> None:
    found = [candidate(opened, "win", 0.7), candidate(opened, "code", 0.45)]
    assert names(in_order(opened, found, replace(QUERY, codes=("0x80070002",)))) == ["code", "win"]
    assert names(in_order(opened, found, replace(QUERY, codes=("0x80070003",)))) == ["win", "code"]


def test_a_missing_code_lowers_the_score_and_a_found_one_does_not(opened: Release) -> None:
    (plain,) = scored(opened, [candidate(opened, "win")], QUERY, UNCALIBRATED)
    (missing,) = scored(opened, [candidate(opened, "win")], replace(QUERY, codes=("691",)), UNCALIBRATED)
    assert missing.score < plain.score
    found = features(opened, candidate(opened, "code"), replace(QUERY, codes=("80070002",)), Field(0.0, 1.0))
    assert (found.code_found, found.code_missing) == (1.0, 0.0)


def test_what_is_known_of_a_hit(opened: Release) -> None:
    asked = Query("drucker xylophon", "printer xylophone", "de", (), frozenset(), follow_up=True)
    known = features(opened, candidate(opened, "win", 0.7), asked, Field(0.4, 0.8))
    assert (known.cosine, known.foreign, known.follow_up) == (0.7, 1.0, 1.0)
    assert known.lead == pytest.approx(0.3)
    assert 0 < known.coverage < 1
    assert known.missing == 1.0
    assert (known.held, known.fused, known.nearest) == (1.0, 0.7, 0.0)
    assert known.lacking == pytest.approx(1.0)  # one word that nobody wrote
    assert known.share > 0
    assert (known.code_found, known.code_missing) == (0.0, 0.0)


def test_the_nearest_names_are_looked_at_one_by_one_and_together(opened: Release) -> None:
    asked = replace(QUERY, text="ink A", english="ink A")
    plain, ink = candidate(opened, "mac", text="Printer"), candidate(opened, "mac", text="no ink")
    (title,) = (row for row in opened.rows["mac"] if opened.passages[row].text == "A")
    known = features(opened, replace(plain, nearest=(plain.row, ink.row, title)), asked, Field(0.0, 0.0))
    assert 0 < known.phrase <= known.phrases == known.named
    nameless = features(opened, candidate(opened, "win", text="Printer"), QUERY, Field(0.0, 0.0))
    assert nameless.phrase == nameless.phrases == 1.0  # its passages stand in for names


def test_a_ticket_and_another_platform_are_told(opened: Release) -> None:
    ticket = features(opened, candidate(opened, "T-9"), QUERY, Field(0.0, 0.0))
    article = features(opened, candidate(opened, "win"), QUERY, Field(0.0, 0.0))
    assert (ticket.solved, article.solved) == (1.0, 0.0)
    on_a_mac = replace(QUERY, platforms=frozenset({"macos"}))
    found = {name: features(opened, candidate(opened, name), on_a_mac, Field(0.0, 0.0)) for name in ("win", "mac")}
    assert (found["win"].elsewhere, found["mac"].elsewhere) == (1.0, 0.0)


def test_the_field_is_what_lies_behind_the_leaders(opened: Release) -> None:
    cosines = [0.9, 0.95, *[0.3] * 8, 0.0, 0.99]
    field = field_of([candidate(opened, "win", cosine) for cosine in cosines])
    assert field.usual == pytest.approx(0.3)
    assert field.largest == 0.95
    assert field_of([candidate(opened, "win", 0.9)] * 2) == Field(0.0, 0.9)
    assert field_of([]) == Field(0.0, 0.0)


def test_a_hit_is_the_nearest_where_no_other_is_nearer(opened: Release) -> None:
    item = candidate(opened, "win", 0.7)
    assert [features(opened, item, QUERY, Field(0.0, largest)).nearest for largest in (0.7, 0.71)] == [1.0, 0.0]


def test_names_people_give_are_looked_at_alone(opened: Release) -> None:
    asked = replace(QUERY, text="printer ink", english="printer ink")
    known = features(opened, candidate(opened, "mac"), asked, Field(0.0, 0.0))
    assert 0 < known.named < known.coverage == 1.0
    nameless = features(opened, candidate(opened, "win"), asked, Field(0.0, 0.0))
    assert nameless.named == nameless.coverage  # what has no names is not held against it


def test_a_question_without_informative_words_has_no_share(opened: Release) -> None:
    assert features(opened, candidate(opened, "win"), replace(QUERY, english="?"), Field(0.0, 0.0)).share == 0.0


COUNT = len(UNCALIBRATED.weights)
WEIGHTS = st.lists(st.floats(-20, 20), min_size=COUNT, max_size=COUNT).map(tuple)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12), WEIGHTS, st.floats(-20, 20))
def test_scores_are_probabilities_and_never_rise_with_rank(
    opened: Release, cosines: list[float], weights: tuple[float, ...], bias: float
) -> None:
    ordered = [candidate(opened, "win", cosine) for cosine in cosines]
    scores = [hit.score for hit in scored(opened, ordered, QUERY, Calibration(bias, weights, 0.5, ""))]
    assert len(scores) == len(cosines)
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert scores == sorted(scores, reverse=True)


def test_a_hit_carries_its_document_and_its_ingredients(opened: Release) -> None:
    (hit,) = scored(opened, [Candidate("code", opened.rows["code"][0], 0.7, 0.4, 8.0, 0.78)], QUERY, UNCALIBRATED)
    assert hit.document is opened.documents["code"]
    assert (hit.cosine, hit.lexical, hit.passage.document_id) == (0.7, 0.4, "code")


def test_text_that_was_found_is_shown(opened: Release) -> None:
    assert shown_passage(opened, candidate(opened, "win", text="Printer")).text == "Printer text."


def test_for_words_of_a_ticket_the_steps_of_its_article_are_shown(opened: Release) -> None:
    shown = shown_passage(opened, candidate(opened, "win", text="Words of a user"))
    assert (shown.kind, shown.document_id, shown.text) == (PassageKind.STEPS, "win", "1. Do it.")


def test_for_a_name_of_a_document_without_steps_its_text_is_shown(opened: Release) -> None:
    assert shown_passage(opened, candidate(opened, "mac", text="no ink")).text == "Printer text."


def test_a_document_of_names_alone_shows_the_name(opened: Release) -> None:
    assert shown_passage(opened, candidate(opened, "named", text="only a name")).text == "only a name"
