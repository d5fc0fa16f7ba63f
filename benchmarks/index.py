"""The vector index by type and size: recall, time of a search on one thread, time of a build, memory.

python -m benchmarks.index [--sizes 10000,100000,1000000] [--dimension 384] [--kinds ...] [--plot docs/index-cost.svg]

Vectors are made up (benchmarks/index_data.py) and lie in a file, so that memory stays bounded at any size.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.adapters.index import faiss_building
from app.adapters.index.faiss_plan import DEFAULT_MEMORY_MIB, IndexKind, choose
from benchmarks import index_data
from benchmarks.index_plot import draw
from benchmarks.index_runs import Row, run


def measure(sizes: Sequence[int], kinds: Sequence[IndexKind], options: argparse.Namespace) -> list[Row]:
    """Measure every type at every size, one after the other."""
    rows: list[Row] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with (
        TemporaryDirectory(dir=options.folder) as scratch,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        folder = Path(scratch)
        for size in sizes:
            task = progress.add_task(f"{size:,}: vectors and their exact neighbours", total=1)
            queries = index_data.write(folder / "vectors.npy", size, options.dimension, options.queries)
            truth = faiss_building.nearest(np.load(folder / "vectors.npy", mmap_mode="r"), queries)
            progress.update(task, completed=1)
            for kind in kinds:
                task = progress.add_task(f"{size:,}: {kind}", total=1)
                rows.append(run(folder, kind, queries, truth, options.limit_minutes * 60))
                progress.update(task, completed=1)
    return rows


def show(rows: Sequence[Row], options: argparse.Namespace) -> None:
    """Print the table; a star marks the type `choose` takes at a size."""
    table = Table(title=f"Vector index, {options.dimension} dimensions, {options.queries} queries, one thread")
    headings = ("vectors", "type", "recall@10", "p50 ms", "p95 ms", "build s", "index MiB", "resident MiB", "effort")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "type" else "right")
    for row in rows:
        chosen = choose(row.size, options.dimension, DEFAULT_MEMORY_MIB).kind == row.kind
        name = f"{row.kind} *" if chosen else row.kind
        if row.build_seconds is None:
            table.add_row(f"{row.size:,}", name, "", "", "", f"> {options.limit_minutes * 60:.0f}", "", "", "")
            continue
        figures = f"{row.recall:.3f}", f"{row.p50_ms:.2f}", f"{row.p95_ms:.2f}", f"{row.build_seconds:.0f}"
        memory = f"{row.index_mib:.0f}", f"{row.resident_mib:.0f}", str(row.effort)
        table.add_row(f"{row.size:,}", name, *figures, *memory)
    Console(width=110).print(table)


def main(arguments: list[str]) -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--kinds", default=";".join(IndexKind), help="types, separated by semicolons")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--limit-minutes", type=float, default=20.0, help="a build is given up after this")
    parser.add_argument("--folder", type=Path, help="where the vectors lie meanwhile; by default the system's own")
    parser.add_argument("--plot", type=Path, default=Path("docs/index-cost.svg"), help="the SVG file to draw into")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    sizes = [int(size) for size in options.sizes.split(",")]
    rows = measure(sizes, [IndexKind(kind) for kind in options.kinds.split(";")], options)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        show(rows, options)
    draw(rows, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
