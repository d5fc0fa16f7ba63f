"""The conversation store at size: listing, searching, reading, appending.

python -m benchmarks.conversations [--conversations 100000] [--operations 1000] [--mongo URI] [--folder PATH] [--json]

Fills a new SQLite file, or a new database of the MongoDB that is named, with so many conversations of one tenant and a
fifth as many of others, through the store itself. Then measures each operation alone, one call after the other, and all
of them mixed, from four callers at once. Prints milliseconds. With --folder the file is kept there, and used again.
"""

import argparse
import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.adapters.stores.sqlite_store import SqliteStore
from app.domain.conversations import Position
from app.services.evaluation.metrics import percentile
from benchmarks.conversation_data import TENANT, Made, Writing
from benchmarks.printing import print_table, say

_AT_ONCE = 128
_CALLERS = 4
_PAGE = 20
_SEEN = 2000

Operation = Callable[[], Awaitable[object]]


def main(arguments: Sequence[str]) -> int:
    """Fill, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--operations", type=int, default=1000, help="calls of each kind, alone and mixed")
    parser.add_argument("--mongo", help="the URI of a MongoDB, with a database that may be filled")
    parser.add_argument("--folder", type=Path, help="where the file lies; by default a folder that is taken away")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    say(asyncio.run(_run(options)), show, as_json=options.json)
    return 0


async def _run(options: argparse.Namespace) -> dict[str, Any]:
    with TemporaryDirectory(dir=options.folder) as scratch:
        path = (options.folder or Path(scratch)) / "conversations.db"
        fresh = not path.exists()
        async with _store(options.mongo, path) as store:
            writing, began = Writing(), time.perf_counter()
            if fresh:
                await _filled(store, writing, options.conversations)
            seconds = time.perf_counter() - began
            figures = await _measured(store, writing, options.operations)
        size = path.stat().st_size / 2**20 if path.exists() else None
    return {
        "store": "mongodb" if options.mongo else "sqlite",
        "conversations": options.conversations,
        "fill_seconds": round(seconds, 1),
        "file_mib": size,
        "figures": figures,
    }


def _store(uri: str | None, path: Path) -> Any:
    if uri is None:
        return SqliteStore(path)
    # Motor is not needed for the default.
    from app.adapters.stores.mongo_store import MongoStore  # noqa: PLC0415

    return MongoStore(uri)


async def _filled(store: Any, writing: Writing, count: int) -> None:
    source = writing.conversations(count)
    columns = (TextColumn("filling"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=count + (count + 4) // 5)
        while batch := list(islice(source, _AT_ONCE)):
            await asyncio.gather(*(_written(store, one) for one in batch))
            progress.advance(task, len(batch))


async def _written(store: Any, made: Made) -> None:
    for turns in made.appends:
        await store.append(made.owner, made.id, turns)


async def _measured(store: Any, writing: Writing, count: int) -> dict[str, dict[str, float]]:
    operations = await _operations(store, writing)
    for operation in operations.values():
        for _ in range(10):
            await operation()
    figures = {}
    for name, operation in operations.items():
        figures[f"{name}, alone"] = _figures([await _timed(operation) for _ in range(count)])
    mixed = await _mixed(operations, writing, count)
    return figures | {f"{name}, mixed": _figures(times) for name, times in mixed.items()}


async def _operations(store: Any, writing: Writing) -> dict[str, Operation]:
    """Return what is measured; each call of one is another one of its kind."""
    seen = await store.page(TENANT, _SEEN)

    def some() -> Any:
        return writing.random.choice(seen)

    def position() -> Position | None:
        one = some()
        return writing.random.choice((None, Position(one.created_at, one.id)))

    return {
        "list a page": lambda: store.page(TENANT, _PAGE, position()),
        "search": lambda: store.find(TENANT, writing.query(), _PAGE),
        "history": lambda: store.history(TENANT, some().id, 50),
        "append": lambda: store.append(TENANT, some().id, writing.exchange()),
        "append to a new one": lambda: store.append(TENANT, writing.id(), writing.exchange()),
    }


async def _mixed(operations: dict[str, Operation], writing: Writing, count: int) -> dict[str, list[float]]:
    """Return the times of all operations, from several callers at once."""
    times: dict[str, list[float]] = defaultdict(list)
    plan = [name for name in operations for _ in range(count)]
    writing.random.shuffle(plan)
    source = iter(plan)

    async def caller() -> None:
        for name in source:
            times[name].append(await _timed(operations[name]))

    await asyncio.gather(*(caller() for _ in range(_CALLERS)))
    return {name: times[name] for name in operations}


async def _timed(operation: Operation) -> float:
    began = time.perf_counter()
    await operation()
    return time.perf_counter() - began


def _figures(times: Sequence[float]) -> dict[str, float]:
    return {f"p{share}_ms": 1000 * percentile(times, share / 100) for share in (50, 95, 99)} | {
        "most_ms": 1000 * max(times)
    }


def show(result: dict[str, Any]) -> None:
    """Print the figures as a table."""
    size = f", {result['file_mib']:.0f} MiB" if result["file_mib"] else ""
    title = (
        f"{result['store']}, {result['conversations']:,} conversations, filled in {result['fill_seconds']:.0f} s{size}"
    )
    names = ("p50_ms", "p95_ms", "p99_ms", "most_ms")
    rows = [(name, *(f"{row[one]:.2f}" for one in names)) for name, row in result["figures"].items()]
    print_table(title, ("operation", "p50 ms", "p95 ms", "p99 ms", "most ms"), rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
