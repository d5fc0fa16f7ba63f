"""Retrieval against its parts: `python -m benchmarks.retrieval [--data DIR] [--plot docs/retrieval.svg] [--json]`.

Measures nDCG@10 of our own questions (check half, ambiguous ones apart) and, with `--data`, of public sets in that
folder: stackfaq, support_articles (by title and text, and by the text alone), nlu_stackexchange and askubuntu, whose
mean it prints, and multilingual/gnome_help, whose questions are in four languages and whose pages are in English. All
rankings are made over the same passages of the same index, by the same embedding model:

- words alone: BM25
- meaning alone: cosine
- simple fusion: cosine + 0.12 x (BM25 / the query's largest)
- this service: what `/search` does

A document's figure is that of its best passage. The three parts get the question as it is asked; the service puts its
spelling right, translates what its glossary knows, and reads it together with the question before. Intervals are 95 %
bootstraps over queries; p is of a paired randomisation test of the service against the simple fusion.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from app.adapters.evaluation_files import read_benchmark, read_corpus
from app.cli import plotting
from app.cli.console import counting, print_refusal, progress
from app.cli.evaluating import labelled
from app.config import Settings
from app.container import open_embedder, open_parts, open_search_over
from app.domain.answers import AnswerMode
from app.domain.evaluation import Half, RankedQuery
from app.errors import ServiceError
from app.ports import Embedder, Release
from app.services.evaluation.comparing import bootstrap, compare
from app.services.evaluation.metrics import mean
from app.services.evaluation.ranking import DEPTH, measured, rank_benchmark, rank_questions

METRIC = "ndcg@10"
SIMPLE_WEIGHT = 0.12
WORDS, MEANING, SIMPLE, SERVICE = SYSTEMS = ("words alone", "meaning alone", "simple fusion", "this service")
OWN = {"own questions, English": ("English",), "own questions, other languages": ("German", "French", "Spanish")}
LANGUAGES = {"de": "German", "es": "Spanish", "fr": "French", "ja": "Japanese"}

Rows = dict[str, list[RankedQuery]]
"""Per system, its rankings."""

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class PublicSet:
    """A corpus, what of it is indexed, and the queries to it by name, as paths below the folder of public sets."""

    corpus: str
    queries: Mapping[str, tuple[str, str]]
    fields: tuple[str, ...] = ("title", "text")


def _dev(name: str, folder: str, fields: tuple[str, ...] = ("title", "text")) -> PublicSet:
    return PublicSet(
        f"{folder}/corpus.jsonl", {name: (f"{folder}/dev/queries.jsonl", f"{folder}/dev/qrels.tsv")}, fields
    )


SUPPORT = "support_articles/symptom_retrieval"
GNOME = "multilingual/gnome_help"
FIVE = (
    _dev("stackfaq", "stackfaq"),
    _dev("support articles, title and text", SUPPORT),
    _dev("support articles, text alone", SUPPORT, ("text",)),
    _dev("Stack Exchange, NLU", "nlu_stackexchange"),
    _dev("Ask Ubuntu, lower-cased", "askubuntu"),
)
GNOME_HELP = PublicSet(
    f"{GNOME}/corpus_en.jsonl",
    {
        f"GNOME help, {name}": (f"{GNOME}/queries_{code}.jsonl", f"{GNOME}/qrels_{code}.tsv")
        for code, name in LANGUAGES.items()
    },
)


async def parts(release: Release, embedder: Embedder, text: str) -> dict[str, list[str]]:
    """Return what each part alone finds for a text, best first."""
    [vector] = await embedder.embed([text])
    cosine = np.array(release.vectors.similarities(vector, list(range(len(release.passages)))))
    words = release.lexical.scores(text)
    highest = float(words.max(initial=0.0)) or 1.0
    fused = cosine + SIMPLE_WEIGHT * words / highest
    return {
        # What shares no word is not found by words.
        WORDS: _documents(release, words, least=0.0),
        MEANING: _documents(release, cosine),
        SIMPLE: _documents(release, fused),
    }


def _documents(release: Release, scores: Scores, least: float = -np.inf) -> list[str]:
    """Return the best documents, each by its best passage."""
    found: dict[str, None] = {}
    for row in np.argsort(-scores, kind="stable").tolist():
        if scores[row] <= least or len(found) == DEPTH:
            break
        found[release.owners[row]] = None
    return list(found)


async def with_parts(
    service: Iterable[RankedQuery], release: Release, embedder: Embedder, tick: Callable[[], None]
) -> Rows:
    """Return the service's rankings together with those of the parts for the same queries."""
    rows: Rows = {name: [] for name in SYSTEMS}
    for row in service:
        for name, ranked in (await parts(release, embedder, row.text)).items():
            listed = tuple((document, 0.0) for document in ranked)
            rows[name].append(RankedQuery(row.id, row.text, row.relevant, listed, measured(ranked, row.relevant), 0.0))
        rows[SERVICE].append(row)
        tick()
    return rows


async def own(settings: Settings) -> AsyncIterator[tuple[str, Rows]]:
    """Yield the figures of our own questions."""
    asked = [item for item in labelled(settings) if item.half is Half.CHECK and item.answerable]
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(open_parts(settings, ephemeral=True, mode=AnswerMode.EXTRACT))
        embedder = await open_embedder(stack, settings)
        tick = stack.enter_context(counting("own questions", 2 * len(asked)))
        ranked = await rank_questions(opened.search, asked, tick)
        for name, groups in OWN.items():
            rows = [row for row in ranked.rows if row.group in groups]
            yield name, await with_parts(rows, opened.search.release, embedder, tick)


async def public(settings: Settings, data: Path, of: PublicSet) -> AsyncIterator[tuple[str, Rows]]:
    """Yield the figures of each of a set's queries."""
    async with AsyncExitStack() as stack:
        report = stack.enter_context(progress(f"indexing {of.corpus}, {' and '.join(of.fields)}"))
        documents = read_corpus(data / of.corpus, of.fields)
        search = await stack.enter_async_context(open_search_over(settings, documents, report))
        embedder = await open_embedder(stack, settings)
        for name, (queries, qrels) in of.queries.items():
            benchmark = read_benchmark(data / queries, data / qrels)
            with counting(name, 2 * len(benchmark.relevant)) as tick:
                ranked = await rank_benchmark(search, benchmark, tick)
                yield name, await with_parts(ranked.rows, search.release, embedder, tick)


async def measure(settings: Settings, data: Path | None) -> dict[str, Rows]:
    """Return the rankings of every set."""
    found = {name: rows async for name, rows in own(settings)}
    for each in (*FIVE, GNOME_HELP) if data is not None else ():
        found |= {name: rows async for name, rows in public(settings, data or Path(), each)}
    return found


def figures(rows: Rows) -> dict[str, float]:
    """Return a line of the table: each system's mean, and whether the service differs from the simple fusion."""
    means = {name: mean([row.figures[METRIC] for row in rows[name]]) for name in SYSTEMS}
    compared = compare(rows[SIMPLE], rows[SERVICE], METRIC)
    difference = {"difference": compared.difference.mean, "p": compared.p_value}
    return {"queries": len(rows[SERVICE]), **means, **difference}


def mean_of_five(table: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return each system's mean over the five public sets, every set counting the same."""
    sets = [name for each in FIVE for name in each.queries]
    return {system: mean([table[name][system] for name in sets]) for system in SYSTEMS}


def show(table: Mapping[str, Mapping[str, float]]) -> None:
    """Print the lines as a table."""
    columns = ("queries", *SYSTEMS, "difference", "p")
    shown = Table("set", title=f"{METRIC}; difference and p: this service against the simple fusion")
    for name in columns:
        shown.add_column(name, justify="right")
    for name, line in table.items():
        shown.add_row(name, *(_cell(line.get(column)) for column in columns))
    Console(soft_wrap=True).print(shown)


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def draw(path: Path, rankings: Mapping[str, Rows]) -> None:
    """Draw our own questions and the five public sets; the languages of the table are left out."""
    bars = {
        name: {system: bootstrap([row.figures[METRIC] for row in rows[system]]) for system in SYSTEMS}
        for name, rows in rankings.items()
        if name not in GNOME_HELP.queries
    }
    plotting.draw_bars(path, bars, "The service and its parts", "nDCG@10, mean and 95 % interval")


def main(arguments: list[str]) -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of the public sets")
    parser.add_argument("--plot", type=Path, metavar="FILE.png|svg")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        if options.plot:
            plotting.check(options.plot)
        rankings = asyncio.run(measure(Settings.load(), options.data))
        table = {name: figures(rows) for name, rows in rankings.items()}
        if options.data:
            table["mean of the five public sets"] = mean_of_five(table)
        if options.plot:
            draw(options.plot, rankings)
    except ServiceError as error:
        print_refusal(error)
        return 2
    if options.json:
        print(json.dumps(table, indent=2))
    else:
        show(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
