"""Runs the queries of a benchmark, or our own questions, under given settings."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import environ
from pathlib import Path

from app.adapters.evaluation_files import read_benchmark, read_corpus
from app.cli.console import counting, progress
from app.cli.evaluating import labelled
from app.config import RetrievalSettings, Settings, refuse_unknown
from app.container import open_parts, open_search_over
from app.domain.answers import AnswerMode
from app.domain.evaluation import Half, RankedQuery, RankingFigures
from app.errors import SettingsInvalid
from app.services.evaluation.ranking import question_summary, rank_benchmark, rank_questions

Figures = dict[str, dict[str, float]]

AGAINST = "--against"

_FOREIGN = ("German", "French", "Spanish")
_TABLE = {"English": ("English",), "other languages": _FOREIGN, **{name: (name,) for name in _FOREIGN}}


@dataclass(frozen=True, slots=True)
class BenchmarkFiles:
    """Where a benchmark lies, and what of its documents is indexed."""

    corpus: Path
    queries: Path
    qrels: Path
    fields: Sequence[str] = ("title", "text")


async def measure_benchmark(settings: Settings, files: BenchmarkFiles) -> RankingFigures:
    """Index the corpus aside and ask every query that has a relevant document."""
    documents = read_corpus(files.corpus, files.fields)
    benchmark = read_benchmark(files.queries, files.qrels)
    with progress("indexing") as report:
        async with open_search_over(settings, documents, report) as search:
            with counting("asking", len(benchmark.relevant)) as tick:
                return await rank_benchmark(search, benchmark, tick)


async def measure_own(settings: Settings) -> RankingFigures:
    """Ask the answerable questions of the check half, once each."""
    asked = [item for item in labelled(settings) if item.half is Half.CHECK and item.answerable]
    async with open_parts(settings, ephemeral=True, mode=AnswerMode.EXTRACT) as parts:
        with counting("asking", len(asked)) as tick:
            return await rank_questions(parts.search, asked, tick)


def own_table(measured: RankingFigures) -> Figures:
    """Return the figures per language; ambiguous questions apart, since any of several articles will do."""
    found = {name: _of(measured.rows, groups) for name, groups in {**_TABLE, "ambiguous": ("ambiguous",)}.items()}
    return {name: row_of(question_summary(rows, measured.documents)) for name, rows in found.items() if rows}


def row_of(figures: RankingFigures) -> dict[str, float]:
    """Return figures as a column of a table."""
    counts = {"queries": figures.queries, "documents": figures.documents}
    return {**counts, **figures.figures, "seconds": round(figures.seconds, 3)}


def changed(assignments: str, index_dir: Path) -> Settings:
    """Return the present settings with `NAME=VALUE[,NAME=VALUE]` changed.

    Where more is changed than how is searched, the index is another one, kept in `index_dir` rather than in the place
    of the one in use. Raises SettingsInvalid for what is no setting, or no value of one.
    """
    values = _assigned(assignments)
    refuse_unknown(values, Path(AGAINST))
    if not set(values) <= {name.upper() for name in RetrievalSettings.model_fields}:
        values.setdefault("INDEX_DIR", str(index_dir))
    with _environment(values):
        return Settings.load()


def _assigned(assignments: str) -> dict[str, str]:
    # A comma that no NAME= follows belongs to the value: some settings are lists.
    found: dict[str, str] = {}
    for part in re.split(r",(?=\s*\w+\s*=)", assignments):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise SettingsInvalid(part.strip() or AGAINST, "is no NAME=VALUE", f"{AGAINST} LEXICAL_WEIGHT=0")
        found[name.strip().upper()] = value.strip()
    return found


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Have the environment say something else for the time of a block; names count in either case."""
    before = dict(environ)
    for name in [name for name in environ if name.upper() in values]:
        del environ[name]
    environ.update(values)
    try:
        yield
    finally:
        environ.clear()
        environ.update(before)


def _of(rows: Sequence[RankedQuery], groups: Sequence[str]) -> list[RankedQuery]:
    return [row for row in rows if row.group in groups]
