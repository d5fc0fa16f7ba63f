"""Word-based search over passages."""

import math

import pytest

from app.adapters.index import bm25_index
from app.adapters.index.bm25_index import Bm25Index

ROWS = [
    ("Restart the printer spooler service", "en"),
    ("The VPN shows error 0x8004FC12", "en"),
    ("Der Drucker druckt nicht", "de"),
    ("Printers and scanners in the printer room", "en"),
]


@pytest.fixture(scope="module")
def index() -> Bm25Index:
    return Bm25Index(ROWS)


def test_rows_that_share_words_score_and_others_do_not(index: Bm25Index) -> None:
    scores = index.scores("printer spooler")
    assert (scores.dtype.name, len(scores)) == ("float32", 4)
    assert scores[0] > scores[3] > 0
    assert scores[1] == scores[2] == 0


def test_words_meet_in_any_form_and_any_language(index: Bm25Index) -> None:
    assert index.scores("drucken")[2] > 0
    assert index.scores("PRINTERS")[3] > 0
    assert index.scores("8004fc12")[1] > 0


@pytest.mark.parametrize("text", ["", "the and of", "xylophone", "???", "\ud800"])
def test_where_no_word_is_shared_every_score_is_zero(index: Bm25Index, text: str) -> None:
    assert not index.scores(text).any()


@pytest.mark.parametrize("rows", [[], [("the", "en"), ("", "de")]], ids=["no rows", "rows without words"])
def test_an_index_without_words_finds_nothing(rows: list[tuple[str, str]]) -> None:
    empty = Bm25Index(rows)
    assert empty.scores("printer").tolist() == [0.0] * len(rows)
    assert empty.coverage("printer", range(len(rows))) == 0.0
    assert empty.nearest("printer") is None


def test_a_question_is_covered_by_the_rows_taken_together(index: Bm25Index) -> None:
    assert index.coverage("printer spooler", [0]) == 1.0
    assert 0 < index.coverage("printer vpn", [0]) < 1
    assert index.coverage("printer vpn", [0, 1]) == 1.0
    assert index.coverage("printer vpn", []) == 0.0


def test_a_rare_word_counts_for_more_than_a_common_one(index: Bm25Index) -> None:
    assert index.coverage("printer spooler", [3]) < 0.5


def test_a_word_no_row_holds_is_unknown_and_the_rarest_of_all(index: Bm25Index) -> None:
    match = index.match("printer xylophone", [0])
    assert 0 < match.unknown < 1
    assert match.covered == pytest.approx(1 - match.unknown)
    assert match.rarest_missing == 1.0
    assert match.log_count == pytest.approx(math.log(3))


def test_a_word_another_row_holds_is_missing_but_known(index: Bm25Index) -> None:
    match = index.match("printer vpn", [0])
    assert match.unknown == 0.0
    assert 0 < match.rarest_missing < 1


def test_a_question_without_informative_words_matches_nothing(index: Bm25Index) -> None:
    match = index.match("the of and", [0])
    assert (match.covered, match.unknown, match.rarest_missing, match.log_count) == (0.0, 0.0, 0.0, 0.0)


def test_a_text_is_analysed_as_a_question(index: Bm25Index) -> None:
    assert index.analyse("The VPN, the VPN") == ("vpn",)


MEANT = {
    "pritner": "printer",
    "SPOOLR": "spooler",
    "scanenrs": "scanners",
    "sarviec": None,  # two letters away, and short
    "printer": None,  # indexed itself
    "rinter": None,  # another first letter
    "vpm": None,  # too short to tell
    "xylophone": None,
    "": None,
}


@pytest.mark.parametrize(("typed", "meant"), MEANT.items())
def test_a_mistyped_word_finds_the_one_that_was_meant(index: Bm25Index, typed: str, meant: str | None) -> None:
    assert index.nearest(typed) == meant


def test_of_words_equally_near_the_most_frequent_is_meant() -> None:
    index = Bm25Index([("carton cards", "en"), ("cards", "en"), ("carps", "en")])
    assert index.nearest("carxs") == "cards"
    assert Bm25Index([("carts", "en"), ("cards", "en")]).nearest("carxs") == "cards"


@pytest.mark.parametrize(
    ("typed", "meant"),
    {
        "exel": "excel",  # a letter lost
        "wkii": "wiki",  # two exchanged
        "wifi": None,  # another letter: another word
        "nicht": None,  # a stop word, though nobody wrote it
        "nights": None,  # a form of a word that is there
    }.items(),
)
def test_words_that_are_words_are_no_mistyped_ones(typed: str, meant: str | None) -> None:
    index = Bm25Index([("excel wiki night", "en"), ("nacht", "de")])
    assert index.nearest(typed) == meant


def test_a_question_is_stemmed_in_the_languages_of_the_rows_alone() -> None:
    english = Bm25Index([("licences", "en")])
    both = Bm25Index([("licences", "en"), ("Lizenzen", "de")])
    assert english.match("lizenz", [0]).covered == 0.0
    assert both.match("lizenz", [0, 1]).covered == 1.0
    assert Bm25Index([("licences", "xx")]).match("licence", [0]).covered == 1.0


def test_what_is_kept_of_questions_and_rows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bm25_index, "_KEPT", 2)
    index = Bm25Index([("printer", "en"), ("toner", "en"), ("spooler", "en")])
    for _ in range(2):
        found = [index.coverage(word, [row]) for row, word in enumerate(("printer", "toner", "spooler"))]
        assert found == [1.0, 1.0, 1.0]


def test_words_of_a_question_are_counted(index: Bm25Index) -> None:
    match = index.match("printer xylophone zebra", range(len(index.scores("printer"))))
    assert match.held == 1
    assert match.lacking == pytest.approx(2.0)
    assert match.rarity > 0


def test_a_nearer_word_wins_over_a_more_frequent_one() -> None:
    index = Bm25Index([("passwords", "en"), ("passwords", "en"), ("password", "en")])
    assert index.nearest("passwort") == "password"
    assert index.nearest("passwordz") == "passwords"
