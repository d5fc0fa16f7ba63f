"""Runs queries through the retriever and measures the ranking."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence

from app.domain.conversations import Question, Turn
from app.domain.evaluation import MEASURES, Benchmark, Labelled, RankedQuery, RankingFigures
from app.services.evaluation.metrics import hit, mean, ndcg, recall, reciprocal_rank
from app.services.evaluation.turns import turns_of
from app.services.retrieval.retriever import Retriever

DEPTH = 10

FIRST_FEW = 4
"""As many hits as an answer is made from."""

_GROUPS = {"en": "English", "de": "German", "fr": "French", "es": "Spanish"}


async def rank_benchmark(
    search: Retriever, benchmark: Benchmark, tick: Callable[[], None] = lambda: None
) -> RankingFigures:
    """Measure nDCG@10, MRR@10, recall@10 and hit@1 over the queries that have a relevant document."""
    rows = []
    for query_id, relevant in benchmark.relevant.items():
        asked = (query_id, benchmark.queries[query_id])
        rows.append(await _ranked(search, asked, sorted(relevant)))
        tick()
    return summary(rows, len(search.release.documents))


async def rank_questions(
    search: Retriever, questions: Sequence[Labelled], tick: Callable[[], None] = lambda: None
) -> RankingFigures:
    """Measure hit@1 and recall@4 (is any document that answers among the first four) over answerable questions."""
    rows = []
    for question in questions:
        asked = (question.id, question.question)
        rows.append(await _ranked(search, asked, question.documents, turns_of(question), group_of(question)))
        tick()
    return question_summary(rows, len(search.release.documents))


def group_of(question: Labelled) -> str:
    """Return what a question's figures are told apart by: its language, or that several articles will do."""
    if question.ambiguous:
        return "ambiguous"
    return _GROUPS.get(question.language, question.language)


def summary(rows: Sequence[RankedQuery], documents: int) -> RankingFigures:
    """Return the means of every measure."""
    figures = {name: mean([row.figures[name] for row in rows]) for name in MEASURES}
    return RankingFigures(len(rows), documents, figures, _seconds(rows), tuple(rows))


def question_summary(rows: Sequence[RankedQuery], documents: int) -> RankingFigures:
    """Return the means of what our own questions are judged by."""
    few = [hit(row.found, row.relevant, FIRST_FEW) for row in rows]
    figures = {"hit@1": mean([row.figures["hit@1"] for row in rows]), f"recall@{FIRST_FEW}": mean(few)}
    return RankingFigures(len(rows), documents, figures, _seconds(rows), tuple(rows))


def measured(ranked: Sequence[str], relevant: Collection[str]) -> dict[str, float]:
    """Return a value for each of `MEASURES`."""
    values = (
        ndcg(ranked, relevant, DEPTH),
        reciprocal_rank(ranked, relevant, DEPTH),
        recall(ranked, relevant, DEPTH),
        hit(ranked, relevant, 1),
    )
    return dict(zip(MEASURES, values, strict=True))


def worst(rows: Iterable[RankedQuery], count: int, metric: str = MEASURES[0]) -> list[RankedQuery]:
    """Return the queries with the lowest figures, the worst first; ties in the order of their ids."""
    return sorted(rows, key=lambda row: (row.figures[metric], row.id))[:count]


def _seconds(rows: Iterable[RankedQuery]) -> float:
    return sum(row.milliseconds for row in rows) / 1000


async def _ranked(
    search: Retriever, asked: tuple[str, str], relevant: Sequence[str], history: Sequence[Turn] = (), group: str = ""
) -> RankedQuery:
    query_id, text = asked
    begun = time.perf_counter()
    evidence = await search.search(Question(text, top_k=DEPTH), history)
    milliseconds = 1000 * (time.perf_counter() - begun)
    ranked = tuple((found.document.id, found.score) for found in evidence.hits)
    figures = measured([name for name, _ in ranked], relevant)
    return RankedQuery(query_id, text, tuple(relevant), ranked, figures, milliseconds, group)
