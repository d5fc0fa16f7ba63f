"""Latency of the running service over HTTP, one client: `python -m benchmarks.service [--json]`.

Starts `python -m app serve` on a free port with an empty state folder, asks every English question of the check half
once (so that nothing comes from the cache), then searches for them, and prints percentiles in milliseconds, the time
from process start to readiness, and the resident memory of the service and its children.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from app.adapters.evaluation_files import read_questions
from app.domain.evaluation import Half
from app.services.evaluation.metrics import percentile
from benchmarks.printing import print_table, say
from benchmarks.servers import free_port, running

QUESTIONS = Path("data/eval/questions.jsonl")
_WARM_UP = 20


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--mode", default="auto", choices=("auto", "extract", "generate"))
    parser.add_argument("--limit", type=int, default=300)
    options = parser.parse_args()
    asked = [item.question for item in read_questions(QUESTIONS) if item.half is Half.CHECK and item.language == "en"]
    with serving(options.mode) as (base, started, process):
        rows = {
            "chat": _latencies(f"{base}/api/v1/chat/", asked[: options.limit]),
            "search": _latencies(f"{base}/api/v1/search", asked[: options.limit]),
        }
        figures = {
            "start_seconds": round(started, 2),
            "resident_mib": round(_resident(process) / 2**20),
            **{
                f"{name}_p{share}_ms": round(percentile(times, share / 100), 2)
                for name, times in rows.items()
                for share in (50, 95, 99)
            },
        }
    say(figures, show, as_json=options.json)


@contextmanager
def serving(mode: str) -> Iterator[tuple[str, float, psutil.Process]]:
    """Start the service; yields its address, the seconds until it was ready, and its process."""
    with tempfile.TemporaryDirectory() as state:
        port = free_port()
        environment = {"PORT": str(port), "STATE_DIR": state, "ANSWER_MODE": mode, "LOG_LEVEL": "WARNING"}
        with running([sys.executable, "-m", "app", "serve"], port, environment, "/readyz") as server:
            yield f"http://127.0.0.1:{port}", server.started, server.process


def _latencies(url: str, questions: list[str]) -> list[float]:
    """Ask one after the other on one connection; the first few are not counted."""
    times = []
    with httpx.Client(timeout=60) as client:
        for at, question in enumerate([*questions[:_WARM_UP], *questions]):
            # The warm-up must not fill the cache with what is measured.
            text = f"{question} please" if at < _WARM_UP else question
            begun = time.perf_counter()
            client.post(url, json={"query": text}).raise_for_status()
            if at >= _WARM_UP:
                times.append(1000 * (time.perf_counter() - begun))
    return times


def _resident(process: psutil.Process) -> int:
    return int(sum(one.memory_info().rss for one in (process, *process.children(recursive=True))))


def show(figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    rows = [(name, f"{value:g}") for name, value in figures.items()]
    print_table("service over HTTP, one client", ("figure", "value"), rows)


if __name__ == "__main__":
    main()
