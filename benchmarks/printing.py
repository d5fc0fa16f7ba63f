"""What all measurements share: the options they take, and their result as a table or as JSON."""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_WIDTH = 120


def options_of(
    description: str | None, arguments: Sequence[str], wanted: Mapping[str, int | str]
) -> argparse.Namespace:
    """Return the options: `--cache`, `--json`, and one for each of `wanted`: a name, and a default of its type."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in wanted.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--cache", type=Path, default=Path(".cache/models"), help="where converted models are kept")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def say(result: dict[str, Any], show: Callable[[dict[str, Any]], None], *, as_json: bool) -> None:
    """Print a result as JSON, or let `show` print it."""
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        show(result)


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table whose first column holds names and whose others hold figures."""
    table = Table(title=title)
    for at, heading in enumerate(headings):
        table.add_column(heading, justify="right" if at else "left")
    for row in rows:
        table.add_row(*row)
    # Wide enough for the headings, also where the output is no terminal.
    Console(width=_WIDTH).print(table)
