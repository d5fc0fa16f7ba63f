"""Overload over HTTP: `python -m benchmarks.overload [--seconds 60] [--times 10] [--clients 64] [--json]`.

Starts `python -m app serve`, finds its capacity (answers a second to so many clients that ask again once they are
answered), then sends requests at a fixed rate of `times` that, whether or not they are answered: nobody waits for
anybody. Every question is another one, so nothing comes from the cache. A latency is counted from the moment a request
was due, and how late the generator itself came is printed beside it. Prints capacity, goodput, how soon refusals came,
and the service's resident memory, with its slope by least squares. The generator shares the cores with the service; its
own processor time is printed, too.
"""

import argparse
import asyncio
import itertools
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from app.adapters.evaluation_files import read_questions
from app.services.evaluation.metrics import percentile
from benchmarks.printing import options_of, print_table, say
from benchmarks.servers import Running, running_service
from benchmarks.service import QUESTIONS
from benchmarks.talking import Wire, connect, post

PATH = "/api/v1/chat/"
_TICK_SECONDS = 0.002
_SETTLING_SHARE = 0.2
_SOON_SECONDS = 0.1
_MOST_WIRES = 4000
_PATIENCE_SECONDS = 30.0


@dataclass(slots=True)
class Tally:
    """What came back: seconds from the moment due, by status; what could not be sent, for want of connections.

    `late` is by how many seconds each request was sent after it was due.
    """

    took: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    unsent: int = 0
    late: list[float] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    """Run and print."""
    options = options_of(__doc__, arguments, {"seconds": 60, "times": 10, "clients": 64, "admitted": 16})
    # A small cache: it must not be its filling that makes the memory grow.
    with running_service(CACHE_MAX_ENTRIES="100", LOG_LEVEL="ERROR", ADMITTED=str(options.admitted)) as server:
        figures = asyncio.run(measured(server, options))
    say(figures, show, as_json=options.json)
    return 0


async def measured(server: Running, options: argparse.Namespace) -> dict[str, float]:
    """Find the capacity, then overload the service."""
    source = _requests()
    await closed_loop(server.port, source, options.clients, options.seconds / 6)
    capacity = await closed_loop(server.port, source, options.clients, options.seconds / 3)
    memory: list[float] = []
    sampling = asyncio.create_task(_sample(server, memory))
    own, served = time.process_time(), server.cpu_seconds()
    tally = await open_loop(server.port, source, capacity * options.times, options.seconds)
    own, served = time.process_time() - own, server.cpu_seconds() - served
    sampling.cancel()
    # Before and after: other programs may take part of the machine meanwhile.
    after = await closed_loop(server.port, source, options.clients, options.seconds / 3)
    answered, refused = tally.took[HTTPStatus.OK], tally.took[HTTPStatus.SERVICE_UNAVAILABLE]
    others = sum(len(took) for took in tally.took.values()) - len(answered) - len(refused)
    settled = memory[int(_SETTLING_SHARE * len(memory)) :]
    return {
        "capacity_per_second": capacity,
        "offered_per_second": capacity * options.times,
        "goodput_per_second": len(answered) / options.seconds,
        "capacity_after_per_second": after,
        "goodput_share": len(answered) / options.seconds / ((capacity + after) / 2),
        "answers_p50_ms": 1000 * percentile(answered, 0.5),
        "answers_p99_ms": 1000 * percentile(answered, 0.99),
        "refused": len(refused),
        "refusals_p50_ms": 1000 * percentile(refused, 0.5),
        "refusals_p99_ms": 1000 * percentile(refused, 0.99),
        "refusals_most_ms": 1000 * max(refused, default=0.0),
        "refusals_in_time_share": sum(took <= _SOON_SECONDS for took in refused) / max(1, len(refused)),
        "sent_late_p99_ms": 1000 * percentile(tally.late, 0.99),
        "other_statuses": others,
        "unsent": tally.unsent,
        "server_cores": served / options.seconds,
        "generator_cores": own / options.seconds,
        "memory_before_mib": memory[0],
        "memory_settled_mib": settled[0],
        "memory_middle_mib": settled[len(settled) // 2],
        "memory_after_mib": settled[-1],
        "memory_slope_mib_per_minute": 60 * slope(settled),
        "memory_growth_of_last_half": settled[-1] / settled[len(settled) // 2] - 1,
    }


def slope(values: Sequence[float]) -> float:
    """Return by how much values that were taken one after another grow from each to the next, by least squares."""
    return statistics.linear_regression(range(len(values)), values).slope if len(values) > 1 else 0.0


def _requests() -> Iterator[bytes]:
    questions = [item.question for item in read_questions(QUESTIONS) if not item.history and item.language == "en"]
    for number in itertools.count():
        yield post(PATH, {"query": f"{questions[number % len(questions)]} {number}"})


async def closed_loop(port: int, source: Iterator[bytes], clients: int, seconds: float) -> float:
    """Return the answers a second where every client asks again once it is answered."""
    until, answered = time.perf_counter() + seconds, 0

    async def client() -> None:
        nonlocal answered
        wire = await connect(port)
        while time.perf_counter() < until:
            status, _ = await wire.ask(next(source))
            answered += status == HTTPStatus.OK
        wire.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return answered / (time.perf_counter() - began)


async def open_loop(
    port: int, source: Iterator[bytes], rate: float, seconds: float, patience: float = _PATIENCE_SECONDS
) -> Tally:
    """Send `rate` requests a second, each when it is due, over as many connections as that takes.

    In the end, what is still under way is waited for, `patience` seconds at most.
    """
    tally, free, wires = Tally(), list[Wire](), list[Wire]()
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        while time.perf_counter() < due:  # noqa: ASYNC110 - it is time that is waited for
            await asyncio.sleep(min(_TICK_SECONDS, max(0.0, due - time.perf_counter())))
        if not number % 32:
            await asyncio.sleep(0)
        # The server closes connections that were idle for some seconds.
        while free and free[-1].lost:
            wires.remove(free.pop())
        if not free and len(wires) >= _MOST_WIRES:
            tally.unsent += 1
            continue
        if not free:
            wires.append(await connect(port))
            free.append(wires[-1])
        _send(free.pop(), next(source), due, tally, free)
    await _settled(wires, free, patience)
    return tally


def _send(wire: Wire, request: bytes, due: float, tally: Tally, free: list[Wire]) -> None:
    tally.late.append(time.perf_counter() - due)

    def came(status: int, _body: bytes) -> None:
        tally.took[status].append(time.perf_counter() - due)
        free.append(wire)

    wire.send(request, came)


async def _settled(wires: list[Wire], free: list[Wire], patience: float) -> None:
    until = time.perf_counter() + patience
    while len(free) < len(wires) and time.perf_counter() < until:  # noqa: ASYNC110 - a look now and then will do
        await asyncio.sleep(0.05)
    for wire in wires:
        wire.close()


async def _sample(server: Running, memory: list[float]) -> None:
    while True:
        memory.append(server.process.memory_info().rss / 2**20)
        await asyncio.sleep(1)


def show(figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    rows = [(name, f"{value:.4g}") for name, value in figures.items()]
    print_table("overload over HTTP", ("figure", "value"), rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
