"""`eval retrieval`: how good rankings are, of our own questions or of a public benchmark."""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Any

from rich.table import Table

from app.adapters.per_query_files import check_writable, write_per_query
from app.cli import plotting
from app.cli.comparing import SHOWN, as_json, print_comparison
from app.cli.console import err, out, print_figures, print_json
from app.cli.measuring import (
    BenchmarkFiles,
    Figures,
    changed,
    measure_benchmark,
    measure_own,
    own_table,
    row_of,
)
from app.config import Settings
from app.domain.evaluation import MEASURES, RankedQuery, RankingFigures
from app.errors import StartRefused
from app.services.evaluation.comparing import bootstrap, compare_groups
from app.services.evaluation.ranking import worst

PRESENT = "present settings"


async def retrieval(options: Namespace) -> int:
    """Measure a benchmark where one is named, else our own questions; under changed settings too where asked."""
    given = [options.corpus, options.queries, options.qrels]
    if any(given) and not all(given):
        err.print("error: --corpus, --queries and --qrels go together", style="red")
        return 2
    # What would be in the way of keeping the result is told before the minutes that measuring takes.
    if options.plot:
        plotting.check(options.plot)
    if options.per_query:
        check_writable(options.per_query)
    files = _files(options) if all(given) else None
    present = Settings.load()
    with TemporaryDirectory(prefix="it-support-against-") as index_dir:
        other = changed(options.against, Path(index_dir)) if options.against else None
        measured = await _measured(present, files)
        against = await _measured(other, files) if other else None
    if options.per_query:
        _keep(options.per_query, measured, against)
    if against is None:
        _show(measured, files, options)
    else:
        _show_both((measured, against), files, options)
    return 0


def _files(options: Namespace) -> BenchmarkFiles:
    return BenchmarkFiles(options.corpus, options.queries, options.qrels, options.fields.split(","))


async def _measured(settings: Settings, files: BenchmarkFiles | None) -> RankingFigures:
    measured = await (measure_benchmark(settings, files) if files else measure_own(settings))
    if not measured.rows:
        raise StartRefused("there is no query to measure with", "name queries that have relevant documents")
    return measured


def _keep(path: Path, measured: RankingFigures, against: RankingFigures | None) -> None:
    write_per_query(path, measured.rows)
    if against is not None:
        write_per_query(path.with_suffix(f".against{path.suffix}"), against.rows)


def _show(measured: RankingFigures, files: BenchmarkFiles | None, options: Namespace) -> None:
    table = _table(measured, files)
    hardest = worst(measured.rows, options.worst, options.metric)
    if options.json:
        figures: dict[str, Any] = {**table["all"]} if files else {**table}
        print_json(figures | _worst_as_json(hardest, options.metric))
    else:
        print_figures("retrieval", table)
        _print_worst(hardest, options.metric)
    if options.plot:
        bars = {name: {each: bootstrap(_values(rows, each)) for each in MEASURES} for name, rows in _groups(measured)}
        plotting.draw_bars(options.plot, bars, "Retrieval, mean and 95 % interval", "mean over queries")


def _show_both(both: tuple[RankingFigures, RankingFigures], files: BenchmarkFiles | None, options: Namespace) -> None:
    tables = [_table(measured, files) for measured in both]
    compared = compare_groups(both[0].rows, both[1].rows, options.metric)
    names = (PRESENT, options.against)
    hardest = worst(both[0].rows, options.worst, options.metric)
    if options.json:
        shown = {"present": tables[0], "against": tables[1], "comparison": as_json(compared)}
        print_json(shown | _worst_as_json(hardest, options.metric))
    else:
        for name, table in zip(names, tables, strict=True):
            print_figures(f"retrieval, {name}", table)
        print_comparison(compared, names)
        _print_worst(hardest, options.metric)
    if options.plot:
        plotting.draw_differences(options.plot, compared["all"], names)


def _table(measured: RankingFigures, files: BenchmarkFiles | None) -> Figures:
    return {"all": row_of(measured)} if files else own_table(measured)


def _groups(measured: RankingFigures) -> list[tuple[str, list[RankedQuery]]]:
    names = dict.fromkeys(row.group for row in measured.rows)
    return [(name or "all queries", [row for row in measured.rows if row.group == name]) for name in names]


def _values(rows: Iterable[RankedQuery], measure: str) -> list[float]:
    return [row.figures[measure] for row in rows]


def _worst_as_json(rows: Sequence[RankedQuery], metric: str) -> dict[str, Any]:
    if not rows:
        return {}
    listed = [
        {"id": row.id, "text": row.text, metric: row.figures[metric], "relevant": row.relevant, "found": row.found}
        for row in rows
    ]
    return {"worst": listed}


def _print_worst(rows: Sequence[RankedQuery], metric: str) -> None:
    if not rows:
        return
    table = Table("query", "text", metric, "relevant", "at", "found first", title="the worst queries")
    for row in rows:
        at = next((str(place) for place, name in enumerate(row.found, 1) if name in row.relevant), "-")
        first = row.found[0] if row.found else "-"
        table.add_row(
            row.id, shorten(row.text, SHOWN), f"{row.figures[metric]:.3f}", ", ".join(row.relevant), at, first
        )
    out.print(table)
