"""Runs queries through the retriever and measures the ranking."""

import time
from collections.abc import Callable, Sequence

from app.domain.conversations import Question, Turn
from app.domain.evaluation import Benchmark, Labelled, RankingFigures
from app.services.evaluation.metrics import hit, mean, ndcg, recall, reciprocal_rank
from app.services.evaluation.turns import turns_of
from app.services.retrieval.retriever import Retriever

DEPTH = 10


async def rank_benchmark(
    search: Retriever, benchmark: Benchmark, tick: Callable[[], None] = lambda: None
) -> RankingFigures:
    """Measure nDCG@10, MRR@10, recall@10 and hit@1 over the queries that have a relevant document."""
    begun = time.perf_counter()
    rows: list[tuple[float, float, float, float]] = []
    for query_id, relevant in benchmark.relevant.items():
        ranked = await _ranked(search, benchmark.queries[query_id])
        rows.append(
            (
                ndcg(ranked, relevant),
                reciprocal_rank(ranked, relevant),
                recall(ranked, relevant, DEPTH),
                hit(ranked, relevant, 1),
            )
        )
        tick()
    names = ("ndcg@10", "mrr@10", "recall@10", "hit@1")
    figures = {name: mean([row[at] for row in rows]) for at, name in enumerate(names)}
    return RankingFigures(len(rows), len(search.release.documents), figures, time.perf_counter() - begun)


async def rank_questions(
    search: Retriever, questions: Sequence[Labelled], tick: Callable[[], None] = lambda: None
) -> RankingFigures:
    """Measure hit@1 and recall@4 (is any document that answers among the first four) over answerable questions."""
    begun = time.perf_counter()
    rows: list[tuple[float, float]] = []
    for question in questions:
        ranked = await _ranked(search, question.question, turns_of(question))
        rows.append((hit(ranked, question.documents, 1), hit(ranked, question.documents, 4)))
        tick()
    figures = {"hit@1": mean([row[0] for row in rows]), "recall@4": mean([row[1] for row in rows])}
    return RankingFigures(len(rows), len(search.release.documents), figures, time.perf_counter() - begun)


async def _ranked(search: Retriever, text: str, history: Sequence[Turn] = ()) -> list[str]:
    evidence = await search.search(Question(text, top_k=DEPTH), history)
    return [found.document.id for found in evidence.hits]
