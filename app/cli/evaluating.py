"""`eval`: figures over labelled questions and public benchmarks."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from app.adapters.evaluation_files import read_benchmark, read_corpus, read_questions
from app.cli.console import counting, err, print_figures, print_json, progress
from app.config import Settings
from app.container import open_parts, open_search_over
from app.domain.answers import AnswerMode
from app.domain.evaluation import Half, Labelled, RankingFigures
from app.services.evaluation.answers import AnswerJudge, Judged, summarise
from app.services.evaluation.ranking import rank_benchmark, rank_questions

Figures = dict[str, dict[str, float]]


async def retrieval(options: Namespace) -> int:
    """Measure a benchmark where one is named, else our own questions."""
    given = [options.corpus, options.queries, options.qrels]
    if any(given) and not all(given):
        err.print("error: --corpus, --queries and --qrels go together", style="red")
        return 2
    rows = await _benchmark(options) if all(given) else await _own(Settings.load())
    if options.json:
        print_json(rows["all"] if all(given) else rows)
    else:
        print_figures("retrieval", rows)
    return 0


async def _benchmark(options: Namespace) -> Figures:
    documents = read_corpus(options.corpus, options.fields.split(","))
    benchmark = read_benchmark(options.queries, options.qrels)
    with progress("indexing") as report:
        async with open_search_over(Settings.load(), documents, report) as search:
            with counting("asking", len(benchmark.relevant)) as tick:
                return {"all": _row(await rank_benchmark(search, benchmark, tick))}


async def _own(settings: Settings) -> Figures:
    """Measure the check half, per language; ambiguous questions apart, since any of several articles will do."""
    asked = [item for item in labelled(settings) if item.half is Half.CHECK and item.answerable]
    groups: dict[str, Callable[[Labelled], bool]] = {
        "English": lambda item: item.language == "en" and item.kind != "ambiguous",
        "other languages": lambda item: item.language != "en" and item.kind != "ambiguous",
        "German": lambda item: item.language == "de" and item.kind != "ambiguous",
        "French": lambda item: item.language == "fr" and item.kind != "ambiguous",
        "Spanish": lambda item: item.language == "es" and item.kind != "ambiguous",
        "ambiguous": lambda item: item.kind == "ambiguous",
    }
    chosen = {name: [item for item in asked if belongs(item)] for name, belongs in groups.items()}
    async with open_parts(settings, ephemeral=True, mode=AnswerMode.EXTRACT) as parts:
        with counting("asking", sum(map(len, chosen.values()))) as tick:
            return {
                name: _row(await rank_questions(parts.search, items, tick)) for name, items in chosen.items() if items
            }


def _row(figures: RankingFigures) -> dict[str, float]:
    counts = {"queries": figures.queries, "documents": figures.documents}
    return {**counts, **figures.figures, "seconds": round(figures.seconds, 3)}


async def answers(options: Namespace) -> int:
    """Ask the questions and print the figures, for all and per language."""
    settings = Settings.load()
    asked = labelled(settings, options.questions)
    if options.half != "all":
        asked = [item for item in asked if item.half.value == options.half]
    asked = asked[: options.limit]
    mode = AnswerMode(options.mode) if options.mode else None
    async with open_parts(settings, ephemeral=True, mode=mode) as parts:
        judge = AnswerJudge(parts.chat, parts.store, parts.grounder, parts.search.release)
        with counting("asking", len(asked)) as tick:
            judged = await judge.run(asked, tick)
    rows = {name: summarise(group) for name, group in _groups(judged).items()}
    if options.json:
        print_json(rows)
    else:
        print_figures("answers", rows)
    return 0


def _groups(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    groups = {
        "all": list(judged),
        "English": [item for item in judged if item.question.language == "en"],
        "other languages": [item for item in judged if item.question.language != "en"],
        "off topic": [item for item in judged if item.question.kind == "off_topic"],
        "IT, no article": [item for item in judged if item.question.kind == "unanswerable"],
    }
    return {name: group for name, group in groups.items() if group}


def labelled(settings: Settings, path: Path | None = None) -> list[Labelled]:
    """Read labelled questions: ours, unless another file is named."""
    return read_questions(path or settings.knowledge.data_dir / "eval" / "questions.jsonl")
