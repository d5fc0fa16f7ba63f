"""The command line of `eval retrieval` and `eval compare`."""

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path

from app.cli import comparing, ranking
from app.domain.evaluation import MEASURES


def add_commands(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]", count: Callable[[str], int]) -> None:
    """Add both commands below `eval`; `count` parses a number of queries."""
    retrieval = kinds.add_parser("retrieval", help="our own questions, or any corpus with queries and qrels")
    retrieval.add_argument("--corpus", type=Path, help="corpus.jsonl: id, title, text")
    retrieval.add_argument("--queries", type=Path, help="queries.jsonl: id, text")
    retrieval.add_argument("--qrels", type=Path, help="qrels.tsv: query-id, corpus-id, score")
    retrieval.add_argument("--fields", default="title,text", help="what of a document is indexed")
    retrieval.add_argument("--per-query", type=Path, metavar="FILE.jsonl", help="write a line for every query")
    retrieval.add_argument("--worst", type=count, default=0, metavar="N", help="show the worst N queries")
    retrieval.add_argument(
        "--against",
        metavar="NAME=VALUE,...",
        help="measure with these settings changed as well, and compare; --per-query writes FILE.against.jsonl too",
    )
    retrieval.set_defaults(run=lambda options: asyncio.run(ranking.retrieval(options)))

    compare = kinds.add_parser("compare", help="two files of --per-query, with a paired significance test")
    compare.add_argument("first", type=Path, metavar="A.jsonl")
    compare.add_argument("second", type=Path, metavar="B.jsonl")
    compare.set_defaults(run=comparing.compare_files)

    for command in (retrieval, compare):
        command.add_argument("--metric", choices=MEASURES, default=MEASURES[0], help="what is compared; ndcg@10")
        command.add_argument("--plot", type=Path, metavar="FILE.png|svg", help="draw the figures (needs matplotlib)")
        command.add_argument("--json", action="store_true")
