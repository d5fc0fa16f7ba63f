"""What the commands print: results on stdout, progress and faults on stderr."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.errors import ServiceError, StartRefused

# What is printed is text: neither `[1]` nor `:key:` is anything else.
out = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
err = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON document, plain enough for other programs."""
    out.print(json.dumps(value, ensure_ascii=False, indent=2))


def print_figures(title: str, rows: Mapping[str, Mapping[str, float]]) -> None:
    """Print figures as a table: a row a figure, a column a group."""
    names = list(next(iter(rows.values()), {}))
    table = Table("", *rows, title=title)
    for name in names:
        table.add_row(name, *(_shown(figures[name]) for figures in rows.values()))
    out.print(table)


def _shown(figure: float) -> str:
    return str(figure) if isinstance(figure, int) else f"{figure:.4g}"


def print_refusal(error: ServiceError) -> None:
    """Print why a command cannot begin or go on, and what to do."""
    err.print(f"error [{error.code}]: {error}", style="red")
    if isinstance(error, StartRefused) and error.remedy:
        err.print(f"remedy: {error.remedy}")


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr as soon as there is something to show; yields a function told (done, total)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(what, visible=False, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        yield report


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar over a known number of steps; yields a function called after each."""
    with progress(what) as report:
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            report(done, total)

        yield tick
