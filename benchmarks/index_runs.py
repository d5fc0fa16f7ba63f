"""One index type at one size, built and then searched, each in a process of its own so that memory can be told."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil

from app.adapters.index import faiss_building
from app.adapters.index.faiss_index import FaissIndex
from app.adapters.index.faiss_plan import IndexKind, plan
from app.domain.models import Vectors

MIB = 2**20
K = 10
_INDEX = "index.bin"


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured. Times in milliseconds, the build's in seconds, memory in MiB; None: not built in time."""

    size: int
    kind: str
    effort: int = 0
    build_seconds: float | None = None
    build_peak_mib: float = 0.0
    recall: float = 0.0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    index_mib: float = 0.0
    resident_mib: float = 0.0


def run(folder: Path, kind: IndexKind, queries: Vectors, truth: Vectors, limit_s: float) -> Row:
    """Build and search an index of the vectors in a folder; the build is given up after `limit_s` seconds."""
    size = len(np.load(folder / "vectors.npy", mmap_mode="r"))
    for old in folder.glob("index.*"):
        old.unlink()
    built = _apart(_build, (folder, kind), limit_s)
    if built is None:
        return Row(size, str(kind))
    effort, seconds, peak = built
    searched = _apart(_search, (folder, queries, truth), None)
    if searched is None:
        raise RuntimeError("the search gave no result")
    recall, p50, p95, resident = searched
    index = (folder / _INDEX).stat().st_size / MIB
    return Row(size, str(kind), int(effort), seconds, peak, recall, p50, p95, index, resident)


def _apart(work: Callable[..., None], arguments: tuple[object, ...], limit_s: float | None) -> tuple[float, ...] | None:
    """Run something in a fresh process; None where it did not end in time. Raises EOFError where it failed."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(theirs, *arguments))
    process.start()
    theirs.close()
    try:
        result: tuple[float, ...] | None = ours.recv() if ours.poll(limit_s) else None
    finally:
        process.terminate()
        process.join()
    return result


def _build(out: Connection, folder: Path, kind: IndexKind) -> None:
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    start = time.perf_counter()
    index = FaissIndex.build(vectors, plan(kind, *vectors.shape))
    index.write(folder / _INDEX)
    if index.report is None:
        raise RuntimeError("a build has a report")
    memory = psutil.Process().memory_info()
    out.send((index.report.effort, time.perf_counter() - start, (memory.rss - memory.shared) / MIB))


def _search(out: Connection, folder: Path, queries: Vectors, truth: Vectors) -> None:
    process = psutil.Process()
    FaissIndex.build(queries[:100]).search(queries[0], K)  # what the library itself takes is there before
    before = process.memory_info().rss
    index = FaissIndex.read(folder / _INDEX)
    seconds, found = [], []
    for query in (*queries[:20], *queries):
        start = time.perf_counter()
        found.append(index.search(query, K)[0])
        seconds.append(time.perf_counter() - start)
    resident = (process.memory_info().rss - before) / MIB
    results = iter(found[20:])
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    recall = faiss_building.recall(vectors, queries, truth, lambda *_: next(results))
    p50, p95 = np.quantile(seconds[20:], [0.5, 0.95]) * 1e3
    out.send((recall, float(p50), float(p95), resident))
