"""Embedding questions and passages: the service's OpenVINO adapter beside SentenceTransformer.encode, in one run.

python -m benchmarks.embedding [--turns 8] [--json]

Both get the same texts by turns, and both sort passages by length: one by itself, the other in its queue.
"""

import asyncio
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from app.adapters.embedders.openvino_embedder import OpenVinoEmbedder
from app.modelfiles.locate import ModelFiles, embedding_model
from benchmarks.printing import options_of, print_table, say

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
PASSAGES = 64
WORDS = (
    "open",
    "the",
    "settings",
    "of",
    "your",
    "account",
    "and",
    "choose",
    "sign",
    "in",
    "then",
    "wait",
    "until",
    "mail",
)
# Words that are one token each; a passage has 150 to 250 of them.
SHORTEST, LONGEST = 150, 250
ORIGINAL, SERVICE = "SentenceTransformer.encode", "service (OpenVINO)"


def queries(count: int, first: int = 0) -> list[str]:
    """Return short questions, all of them different."""
    return [f"How do I reset my {SUBJECTS[n % len(SUBJECTS)]} on Windows {n}?" for n in range(first, first + count)]


def passages(count: int, seed: int) -> list[str]:
    """Return passages of 200 tokens on average, all of them different."""
    drawn = random.Random(seed)  # noqa: S311 - the same texts in every run
    return [" ".join(drawn.choices(WORDS, k=drawn.randint(SHORTEST, LONGEST))) for _ in range(count)]


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

    embed_passages = embed


class Service:
    """The service's adapter, asked as the service asks it: every question is a call of its own."""

    def __init__(self, files: ModelFiles, cache_dir: Path) -> None:
        self._embedder = OpenVinoEmbedder(files, cache_dir)
        self.close = self._embedder.close

    async def embed(self, texts: list[str]) -> Any:
        """Return a row per text."""
        return np.concatenate(await asyncio.gather(*(self._embedder.embed([text]) for text in texts)))

    async def embed_passages(self, texts: list[str]) -> Any:
        """Return a row per text, asked as when documents are indexed: all in one call."""
        return await self._embedder.embed(texts)


async def block(engine: Original | Service, turn: int) -> tuple[list[float], float, float]:
    """Return the seconds of single questions, and the texts a second: of many questions at once, and of passages."""
    # Torch's threads stay busy for a moment after their work is done: they are not to be in the other's way.
    await asyncio.sleep(0.5)
    single = []
    for text in queries(SINGLES, turn * SINGLES):
        start = time.perf_counter()
        await engine.embed([text])
        single.append(time.perf_counter() - start)
    questions, long = queries(BATCH, turn * BATCH), passages(PASSAGES, turn)
    start = time.perf_counter()
    await engine.embed(questions)
    middle = time.perf_counter()
    await engine.embed_passages(long)
    return single, BATCH / (middle - start), PASSAGES / (time.perf_counter() - middle)


async def measure(cache_dir: Path, turns: int) -> dict[str, Any]:
    """Ask both engines the same by turns; times in milliseconds, rates in texts a second."""
    files = embedding_model("all-MiniLM-L6-v2", cache_dir)
    original, service = Original(files), Service(files, cache_dir)
    engines: dict[str, Original | Service] = {ORIGINAL: original, SERVICE: service}
    single: dict[str, list[float]] = {name: [] for name in engines}
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for turn in range(turns + 1):
        for name, engine in engines.items():
            one, *many = await block(engine, turn)
            # The first turn warms both up.
            single[name] += one if turn else []
            rates[name] += [(many[0], many[1])] if turn else []
    probe = queries(BATCH)
    cosine = np.sum(await original.embed(probe) * await service.embed(probe), axis=1)
    service.close()
    rows = {name: _figures(single[name], rates[name]) for name in engines}
    theirs, ours = rows[ORIGINAL], rows[SERVICE]
    return {
        "cosine_min": float(cosine.min()),
        "engines": rows,
        "service_is_times_as_fast": {
            name: theirs[name] / ours[name] if name.endswith("_ms") else ours[name] / theirs[name] for name in ours
        },
    }


def _figures(single: list[float], rates: list[tuple[float, float]]) -> dict[str, float]:
    questions, long = zip(*rates, strict=True)
    return {
        "one_query_p50_ms": statistics.median(single) * 1e3,
        "one_query_p95_ms": statistics.quantiles(single, n=20)[-1] * 1e3,
        "queries_per_second_64_at_once": statistics.median(questions),
        "passages_of_200_tokens_per_second": statistics.median(long),
    }


def show(result: dict[str, Any]) -> None:
    """Print the result as a table."""
    title = f"all-MiniLM-L6-v2 (least cosine {result['cosine_min']:.6f})"
    headings = ("engine", "one question, p50 ms", "p95 ms", f"{BATCH} at once, questions/s", "200 tokens, passages/s")
    engines = {**result["engines"], "times as fast": result["service_is_times_as_fast"]}
    print_table(title, headings, [(name, *(f"{value:.1f}" for value in row.values())) for name, row in engines.items()])


def main(arguments: list[str]) -> int:
    """Measure and print."""
    options = options_of(__doc__, arguments, {"turns": 8})
    say(asyncio.run(measure(options.cache, options.turns)), show, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
