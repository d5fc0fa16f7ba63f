"""Cached answers over HTTP: `python -m benchmarks.cache [--clients 16] [--seconds 10] [--json]`.

Starts `python -m app serve` with an empty state folder, asks one question, then a hundred, so that each is answered
from the cache, and asks them again from all clients at once. Every answer is read whole and kept on the disk by the
service like any other; one that is not cached ends the run. Prints requests a second and milliseconds.
"""

import argparse
import asyncio
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from app.adapters.evaluation_files import read_questions
from app.services.evaluation.metrics import percentile
from benchmarks.printing import options_of, print_table, say
from benchmarks.servers import Running, running_service
from benchmarks.service import QUESTIONS
from benchmarks.talking import Wire, connect, post

PATH = "/api/v1/chat/"
_MANY = 100


def main(arguments: Sequence[str]) -> int:
    """Run and print."""
    options = options_of(__doc__, arguments, {"clients": 16, "seconds": 10})
    questions = [item.question for item in read_questions(QUESTIONS) if not item.history and item.language == "en"]
    with running_service() as server:
        rows = {
            f"{len(chosen)} cached": _measured(server, chosen, options) for chosen in (questions[:1], questions[:_MANY])
        }
    say({"clients": options.clients, "figures": rows}, show, as_json=options.json)
    return 0


def _measured(server: Running, questions: Sequence[str], options: argparse.Namespace) -> dict[str, float]:
    requests = [post(PATH, {"query": question}) for question in questions]
    asyncio.run(_each_once(server.port, requests))
    used, began = server.cpu_seconds(), time.perf_counter()
    times = asyncio.run(_load(server.port, requests, options.clients, options.seconds))
    seconds = time.perf_counter() - began
    return {
        "requests": len(times),
        "requests_per_second": len(times) / seconds,
        "p50_ms": 1000 * percentile(times, 0.5),
        "p99_ms": 1000 * percentile(times, 0.99),
        "server_cpu_share": (server.cpu_seconds() - used) / seconds,
    }


async def _each_once(port: int, requests: Sequence[bytes]) -> None:
    wire = await connect(port)
    for request in requests:
        await _answered(wire, request)
    wire.close()


async def _load(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> list[float]:
    """Return the seconds every answer took, of all clients."""
    source = itertools.cycle(requests)
    until = time.perf_counter() + seconds
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_client(port, source, until)) for _ in range(clients)]
    return [value for task in tasks for value in task.result()]


async def _client(port: int, source: Iterator[bytes], until: float) -> list[float]:
    took = []
    wire = await connect(port)
    while (began := time.perf_counter()) < until:
        body = await _answered(wire, next(source))
        took.append(time.perf_counter() - began)
        if b'"cached":true' not in body:
            raise SystemExit("an answer did not come from the cache")
    wire.close()
    return took


async def _answered(wire: Wire, request: bytes) -> bytes:
    status, body = await wire.ask(request)
    if status != HTTPStatus.OK or b'"persisted":true' not in body:
        raise SystemExit(f"not answered and kept: {status}")
    return body


def show(result: dict[str, Any]) -> None:
    """Print the figures as a table."""
    figures = result["figures"]
    names = next(iter(figures.values()))
    rows = [(name, *(f"{figures[row][name]:.3g}" for row in figures)) for name in names]
    print_table(f"cached answers over HTTP, {result['clients']} clients", ("figure", *figures), rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
