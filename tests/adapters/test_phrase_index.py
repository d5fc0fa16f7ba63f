"""BM25 over pairs of neighbouring words."""

import math

import pytest

from app.adapters.index.analysis import query_pairs
from app.adapters.index.bm25_index import Bm25Index
from app.adapters.index.phrases import PhraseIndex, numbered

ROWS = [["licence", "server", "down"], ["server", "licence"], ["printer"], [], ["down", "licence", "server"]]


def test_a_pair_counts_where_it_stands_in_that_order() -> None:
    scores = PhraseIndex(*numbered(ROWS)).scores([("licence", "server")])
    assert [score > 0 for score in scores] == [True, False, False, False, True]


def test_neighbours_in_different_rows_are_no_pair() -> None:
    index = PhraseIndex(*numbered(ROWS))
    assert not index.scores([("down", "server"), ("licence", "printer"), ("printer", "down")]).any()


def test_a_score_is_bm25() -> None:
    rows = [["a", "b"], ["a", "c", "a", "c"], ["d"]]
    rarity = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    length = 4 / ((2 + 4 + 1) / 3)
    expected = rarity * 2 / (2 + 0.9 * (1 - 0.4 + 0.4 * length))
    assert PhraseIndex(*numbered(rows)).scores([("a", "c")])[1] == pytest.approx(expected)


def test_scores_of_several_pairs_add_up() -> None:
    index = PhraseIndex(*numbered(ROWS))
    one, other = index.scores([("licence", "server")]), index.scores([("server", "down")])
    assert index.scores([("licence", "server"), ("server", "down")]).tolist() == pytest.approx((one + other).tolist())


@pytest.mark.parametrize("pairs", [[], [("zebra", "server")], [("server", "zebra")], [("server", "server")]])
def test_pairs_nobody_wrote_score_nothing(pairs: list[tuple[str, str]]) -> None:
    assert PhraseIndex(*numbered(ROWS)).scores(pairs).tolist() == [0.0] * len(ROWS)


@pytest.mark.parametrize("rows", [[], [[]], [["alone"]]])
def test_rows_without_pairs_can_be_indexed(rows: list[list[str]]) -> None:
    assert PhraseIndex(*numbered(rows)).scores([("alone", "alone")]).tolist() == [0.0] * len(rows)


def test_pairs_of_a_question_are_stems_of_neighbours_in_every_language() -> None:
    pairs = query_pairs("The licensing servers crashed", ("en", "de"))
    assert {("licens", "server"), ("server", "crash")} <= pairs
    assert query_pairs("servers", ("en",)) == set()


def test_of_rows_with_the_same_words_the_one_in_the_same_order_scores_higher() -> None:
    index = Bm25Index([("the licence server is down", "en"), ("the server licence is down", "en")])
    first, second = index.scores("licence server")
    assert first > second > 0
