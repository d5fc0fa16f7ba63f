"""How safe the semantic cache is: `python -m benchmarks.semantic_cache --data DIR [--rounds 5] [--json]`.

DIR holds `corpus.jsonl`, and `queries.jsonl` and `qrels.tsv` (below `dev` or not): questions and their paraphrases, and
which documents answer each, e.g. StackFAQ. All are asked one after the other, in `rounds` random orders, over an index
of the corpus. A hit is a question that is told the answer of one asked before; a false hit, where the two have not the
same relevant documents. `strict` asks for all that the service does; the others show what each condition is worth.
"""

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.evaluation_files import read_benchmark, read_corpus
from app.adapters.index.analysis import analyse
from app.cli.console import progress
from app.config import Settings
from app.container import open_embedder, open_search_over
from app.domain.answers import Draft, Outcome
from app.domain.conversations import Question
from app.domain.retrieval import Evidence
from app.services.semantic_cache import Asked, SemanticCache
from benchmarks.printing import print_table, say

THRESHOLDS = (0.80, 0.85, 0.90, 0.93, 0.95, 0.97, 0.99)
SAFE = 0.001
_SEED = 7


@dataclass(frozen=True, slots=True)
class Query:
    """A question, the documents that answer it, and what it found."""

    relevant: frozenset[str]
    asked: Asked
    evidence: Evidence


def main(arguments: Sequence[str]) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    queries = asyncio.run(_queries(options.data))
    shapes = {"strict": queries, "meaning and evidence": _near(queries), "meaning alone": _anything(queries)}
    rows = [
        {"conditions": name, "threshold": threshold, **_rates(shaped, threshold, options.rounds)}
        for name, shaped in shapes.items()
        for threshold in THRESHOLDS
    ]
    say({"queries": len(queries), "rounds": options.rounds, "rows": rows}, show, as_json=options.json)
    return 0


async def _queries(data: Path) -> list[Query]:
    """Ask every query once."""
    judged = data if (data / "queries.jsonl").exists() else data / "dev"
    benchmark = read_benchmark(judged / "queries.jsonl", judged / "qrels.tsv")
    documents = read_corpus(data / "corpus.jsonl", ("title", "text"))
    settings = Settings.load()
    found = []
    async with AsyncExitStack() as stack:
        report = stack.enter_context(progress("indexing"))
        search = await stack.enter_async_context(open_search_over(settings, documents, report))
        cache = SemanticCache(await open_embedder(stack, settings), analyse)
        for name, relevant in benchmark.relevant.items():
            question = Question(benchmark.queries[name])
            evidence = await search.search(question)
            if evidence.hits:
                found.append(Query(relevant, await cache.asked(question, evidence), evidence))
    return found


def _near(queries: list[Query]) -> list[Query]:
    """Return the queries as if neither hard facts nor negations and opposites counted."""
    return [replace(query, asked=replace(query.asked, facts=frozenset(), turns=())) for query in queries]


def _anything(queries: list[Query]) -> list[Query]:
    """Return the queries as if the evidence did not count either."""
    return [replace(query, asked=replace(query.asked, document="")) for query in _near(queries)]


def _rates(queries: Sequence[Query], threshold: float, rounds: int) -> dict[str, float]:
    """Return how many questions were told another's answer, and how many a wrong one."""
    hits = false = 0
    order = random.Random(_SEED)  # noqa: S311 - no secret
    for _ in range(rounds):
        cache = SemanticCache(HashingEmbedder(), analyse, threshold=threshold, size=len(queries))
        for at in order.sample(range(len(queries)), len(queries)):
            query = queries[at]
            told = cache.find(query.asked, query.evidence)
            if told is None:
                # The draft stands for whose answer it is.
                cache.keep(query.asked, Draft(str(at), Outcome.ANSWERED))
            else:
                hits += 1
                false += queries[int(told.text)].relevant != query.relevant
    asked = rounds * len(queries)
    return {"hits": hits / asked, "false_hits": false / asked, "false_of_hits": false / hits if hits else 0.0}


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    rows = [
        (
            f"{row['conditions']}, {row['threshold']:.2f}",
            f"{row['hits']:.2%}",
            f"{row['false_hits']:.3%}",
            f"{row['false_of_hits']:.2%}",
            "yes" if row["false_hits"] <= SAFE else "no",
        )
        for row in result["rows"]
    ]
    title = f"semantic cache, {result['queries']} questions in {result['rounds']} random orders"
    print_table(title, ("conditions, cosine", "hits", "false hits", "of hits", f"<= {SAFE:.1%}"), rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
