"""`eval compare`: two configurations, query by query."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from rich.table import Table

from app.adapters.per_query_files import read_per_query
from app.cli import plotting
from app.cli.console import out, print_figures, print_json
from app.domain.evaluation import Comparison
from app.services.evaluation.comparing import compare_groups

MOST_CHANGED = 10

SHOWN = 100
"""As many characters of a query stand in a table."""

_NAMED = 20

Comparisons = Mapping[str, Comparison]


def compare_files(options: Namespace) -> int:
    """Compare what `eval retrieval --per-query` wrote."""
    if options.plot:
        plotting.check(options.plot)
    compared = compare_groups(read_per_query(options.first), read_per_query(options.second), options.metric)
    names = (str(options.first), str(options.second))
    if options.json:
        print_json(as_json(compared))
    else:
        print_comparison(compared, names)
    if options.plot:
        plotting.draw_differences(options.plot, compared["all"], names)
    return 0


def as_json(compared: Comparisons) -> dict[str, Any]:
    """Return the comparison for other programs; of the changes, every one that is any."""
    over_all = compared["all"]
    changes = [
        {"id": item.id, "text": item.text, "first": item.before, "second": item.after, "difference": item.difference}
        for item in over_all.changes
        if item.difference
    ]
    missing = {"only_first": list(over_all.only_first), "only_second": list(over_all.only_second)}
    groups = {group: _figures(item, ("first", "second")) for group, item in compared.items()}
    return {"metric": over_all.metric, "groups": groups, "changes": changes, **missing}


def print_comparison(compared: Comparisons, names: tuple[str, str]) -> None:
    """Print the figures, the queries that changed most, and those that cannot be compared."""
    over_all = compared["all"]
    out.print(f"A: {names[0]}\nB: {names[1]}")
    print_figures(f"{over_all.metric}, B less A", {group: _figures(item) for group, item in compared.items()})
    _print_changes(over_all)
    for side, missing in (("A", over_all.only_first), ("B", over_all.only_second)):
        if missing:
            out.print(f"only in {side}: {_some(missing)}")


def _figures(item: Comparison, names: tuple[str, str] = ("A", "B")) -> dict[str, float]:
    return {
        "queries": len(item.changes),
        names[0]: item.first,
        names[1]: item.second,
        "difference": item.difference.mean,
        "95% from": item.difference.low,
        "95% to": item.difference.high,
        "p": item.p_value,
        "wins": item.wins,
        "ties": item.ties,
        "losses": item.losses,
    }


def _print_changes(over_all: Comparison) -> None:
    changes = [item for item in over_all.changes if item.difference][:MOST_CHANGED]
    if not changes:
        out.print("no query changed")
        return
    table = Table("query", "text", "A", "B", "B - A", title="the queries that changed most")
    for item in changes:
        table.add_row(
            item.id,
            shorten(item.text, SHOWN),
            *(f"{value:.3f}" for value in (item.before, item.after, item.difference)),
        )
    out.print(table)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
