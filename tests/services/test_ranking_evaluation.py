"""Figures over labelled questions and benchmarks."""

import math
from dataclasses import replace

import pytest

from app.domain.evaluation import Benchmark, Labelled
from app.ports import Release
from app.services.evaluation.ranking import group_of, measured, rank_benchmark, rank_questions, worst
from app.services.evaluation.turns import turns_of
from tests.builders import document, release, retriever

DOCUMENTS = (
    document("printer", "Restart the print spooler."),
    document("vpn", "Open port 500 on the router."),
    document("mouse", "Change the battery of the mouse."),
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release(tmp_path_factory.mktemp("index"), *DOCUMENTS)


def labelled(name: str, question: str, *documents: str, history: tuple[tuple[str, str], ...] = ()) -> Labelled:
    return Labelled(name, question, "en", "plain", documents, (), bool(documents), history)


async def test_a_benchmark_is_measured_over_the_queries_that_have_an_answer(opened: Release) -> None:
    queries = {"1": "restart the spooler", "2": "battery of the mouse", "3": "nobody judged this"}
    relevant = {"1": frozenset({"printer"}), "2": frozenset({"vpn", "mouse"})}
    ticks: list[None] = []
    figures = await rank_benchmark(retriever(opened), Benchmark(queries, relevant), lambda: ticks.append(None))
    assert (figures.queries, figures.documents, len(ticks)) == (2, 3, 2)
    assert figures.figures["hit@1"] == figures.figures["mrr@10"] == 1.0
    assert figures.figures["recall@10"] == 1.0
    assert 0.9 < figures.figures["ndcg@10"] <= 1.0
    assert figures.seconds > 0


async def test_a_wrong_ranking_is_measured_as_one(opened: Release) -> None:
    benchmark = Benchmark({"1": "restart the spooler"}, {"1": frozenset({"nowhere"})})
    assert set((await rank_benchmark(retriever(opened), benchmark)).figures.values()) == {0.0}


async def test_questions_are_measured_in_their_conversations(opened: Release) -> None:
    history = (("user", "Change the battery of the mouse"), ("assistant", "Open it."))
    questions = [labelled("1", "restart the spooler", "printer"), labelled("2", "and how?", "mouse", history=history)]
    ticks: list[None] = []
    figures = await rank_questions(retriever(opened), questions, lambda: ticks.append(None))
    assert (figures.queries, len(ticks), figures.figures) == (2, 2, {"hit@1": 1.0, "recall@4": 1.0})


async def test_no_questions_give_zeros(opened: Release) -> None:
    assert (await rank_questions(retriever(opened), [])).figures == {"hit@1": 0.0, "recall@4": 0.0}


def test_a_history_becomes_turns_in_its_order() -> None:
    turns = turns_of(labelled("q", "and?", "a", history=(("user", "one"), ("assistant", "two"))))
    assert [(turn.id, turn.role.value, turn.content) for turn in turns] == [
        ("q-0", "user", "one"),
        ("q-1", "assistant", "two"),
    ]


async def test_every_query_is_kept_with_what_was_found(opened: Release) -> None:
    relevant = {"1": frozenset({"printer"}), "2": frozenset({"vpn", "mouse"})}
    queries = {"1": "restart the spooler", "2": "battery of the mouse"}
    found = await rank_benchmark(retriever(opened), Benchmark(queries, relevant))
    first, second = found.rows
    assert (first.id, first.text, first.relevant, first.group) == ("1", "restart the spooler", ("printer",), "")
    assert second.relevant == ("mouse", "vpn")
    assert first.found[0] == "printer"
    scores = [score for _, score in first.ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(row.milliseconds > 0 for row in found.rows)
    assert found.seconds == pytest.approx(sum(row.milliseconds for row in found.rows) / 1000)
    assert found.figures["ndcg@10"] == pytest.approx((first.figures["ndcg@10"] + second.figures["ndcg@10"]) / 2)


def test_the_measures_of_one_ranking() -> None:
    assert measured(["x", "a", "b"], {"a", "b", "c"}) == pytest.approx(
        {
            "ndcg@10": (1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3) + 1 / 2),
            "mrr@10": 1 / 2,
            "recall@10": 2 / 3,
            "hit@1": 0,
        }
    )


@pytest.mark.parametrize(
    ("language", "kind", "group"),
    [("en", "plain", "English"), ("de", "terse", "German"), ("it", "plain", "it"), ("de", "ambiguous", "ambiguous")],
)
def test_questions_are_told_apart_by_language_and_by_being_ambiguous(language: str, kind: str, group: str) -> None:
    assert group_of(replace(labelled("q", "?", "a"), language=language, kind=kind)) == group


async def test_the_worst_come_first_and_ties_in_the_order_of_their_ids(opened: Release) -> None:
    queries = {"b": "restart the spooler", "c": "battery of the mouse", "a": "open port 500"}
    relevant = {"b": frozenset({"nowhere"}), "c": frozenset({"mouse"}), "a": frozenset({"nowhere"})}
    rows = (await rank_benchmark(retriever(opened), Benchmark(queries, relevant))).rows
    assert [row.id for row in worst(rows, 2)] == ["a", "b"]
    assert [row.id for row in worst(rows, 9, "hit@1")] == ["a", "b", "c"]
    assert worst(rows, 0) == []
