"""Embedding questions: the service's OpenVINO adapter beside SentenceTransformer.encode, in one run.

python -m benchmarks.embedding [--turns 8] [--json]
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from app.adapters.embedders.openvino_embedder import OpenVinoEmbedder
from app.modelfiles.locate import ModelFiles, embedding_model

SUBJECTS = (
    "VPN",
    "Outlook e-mail account",
    "Wi-Fi",
    "shared printer",
    "laptop dock",
    "two-factor code",
    "PIN",
    "browser",
)
BATCH = 64
SINGLES = 25


def queries(count: int, first: int = 0) -> list[str]:
    """Return short questions, all of them different."""
    return [f"How do I reset my {SUBJECTS[n % len(SUBJECTS)]} on Windows {n}?" for n in range(first, first + count)]


class Original:
    """SentenceTransformer as its own documentation shows it, at its own default of threads."""

    def __init__(self, files: ModelFiles) -> None:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415

        logging.disable_progress_bar()
        self._model = SentenceTransformer(str(files.path), device="cpu", local_files_only=True)

    async def embed(self, texts: list[str]) -> Any:
        """Return a row per text."""
        return self._model.encode(texts, show_progress_bar=False)


class Service:
    """The service's adapter, asked as the service asks it: every question is a call of its own."""

    def __init__(self, files: ModelFiles, cache_dir: Path) -> None:
        self._embedder = OpenVinoEmbedder(files, cache_dir)
        self.close = self._embedder.close

    async def embed(self, texts: list[str]) -> Any:
        """Return a row per text."""
        return np.concatenate(await asyncio.gather(*(self._embedder.embed([text]) for text in texts)))


async def block(engine: Original | Service, turn: int) -> tuple[list[float], float]:
    """Return the seconds of single questions, and the questions a second when many are asked at once."""
    # Torch's threads stay busy for a moment after their work is done: they are not to be in the other's way.
    await asyncio.sleep(0.5)
    single = []
    for text in queries(SINGLES, turn * SINGLES):
        start = time.perf_counter()
        await engine.embed([text])
        single.append(time.perf_counter() - start)
    texts = queries(BATCH, turn * BATCH)
    start = time.perf_counter()
    await engine.embed(texts)
    return single, BATCH / (time.perf_counter() - start)


async def measure(cache_dir: Path, turns: int) -> dict[str, Any]:
    """Ask both engines the same questions by turns; times in milliseconds, rates in questions a second."""
    files = embedding_model("all-MiniLM-L6-v2", cache_dir)
    original, service = Original(files), Service(files, cache_dir)
    engines: dict[str, Original | Service] = {"SentenceTransformer.encode": original, "service (OpenVINO)": service}
    single: dict[str, list[float]] = {name: [] for name in engines}
    many: dict[str, list[float]] = {name: [] for name in engines}
    for turn in range(turns + 1):
        for name, engine in engines.items():
            one, rate = await block(engine, turn)
            # The first turn warms both up.
            single[name] += one if turn else []
            many[name] += [rate] if turn else []
    probe = queries(BATCH)
    cosine = np.sum(await original.embed(probe) * await service.embed(probe), axis=1)
    service.close()
    return {
        "cosine_min": float(cosine.min()),
        "engines": {
            name: {
                "one_query_p50_ms": statistics.median(single[name]) * 1e3,
                "one_query_p95_ms": statistics.quantiles(single[name], n=20)[-1] * 1e3,
                "queries_per_second_64_at_once": statistics.median(many[name]),
            }
            for name in engines
        },
    }


def show(result: dict[str, Any]) -> None:
    """Print the result as a table."""
    table = Table(title=f"all-MiniLM-L6-v2, short questions (least cosine {result['cosine_min']:.6f})")
    for heading in ("engine", "one question, p50 ms", "p95 ms", f"{BATCH} at once, questions/s"):
        table.add_column(heading, justify="left" if heading == "engine" else "right")
    for name, row in result["engines"].items():
        table.add_row(name, *(f"{value:.1f}" for value in row.values()))
    Console().print(table)


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--cache", type=Path, default=Path(".cache/models"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    result = asyncio.run(measure(options.cache, options.turns))
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
