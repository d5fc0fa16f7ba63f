"""Real time under load: the server's event-loop lag while many WebSockets are streamed to, and how it ends.

    python -m app serve &
    python -m benchmarks.sockets --sockets 200 --seconds 20 [--pid $!]

The lag is what a WebSocket ping waits for its pong: the server answers it in its event loop, before
any of its own work. It is measured from a process of its own, so it holds the client's lag as well, and is an upper
bound. With `--pid` the service is told to end (SIGTERM) while all sockets stream: every one has to be told
`server_restarting`, and the process has to be gone within 15 s.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import statistics
import time
from collections import Counter
from multiprocessing.queues import Queue
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

QUESTIONS = (
    "How do I reset my password?",
    "Outlook does not receive mail any longer, what can I do?",
    "The VPN reports error 809",
    "My printer prints blank pages",
    "Teams hangs while loading, how do I clear its cache?",
    "How do I get access to a shared mailbox?",
    "The laptop does not connect to the Wi-Fi in the office",
    "How do I enrol a new phone?",
)
_PING_SECONDS = 0.01
_EXIT_SECONDS = 15.0
_MOST_LAG = 0.05


async def _ask(socket: ClientConnection, number: int, counts: Counter[str]) -> None:
    """Ask one question after the other, as soon as the one before is answered, until the server ends."""
    turn = number
    while True:
        await socket.send(json.dumps({"type": "question", "message": QUESTIONS[turn % len(QUESTIONS)]}))
        counts["asked"] += 1
        turn += 1
        while True:
            event = json.loads(await socket.recv())
            counts[event["type"]] += 1
            if event.get("code") == "server_restarting":
                counts["told"] += 1
                return
            if event["type"] == "error":
                counts[event["code"]] += 1
                await asyncio.sleep(event.get("retry_after", 1.0))
            if event["type"] in {"final_answer", "error"}:
                break


async def _one(url: str, number: int, counts: Counter[str]) -> None:
    with contextlib.suppress(WebSocketException, OSError):
        async with connect(url, compression=None, max_queue=None, open_timeout=30) as socket:
            counts["opened"] += 1
            await _ask(socket, number, counts)


async def _load(url: str, sockets: int, seconds: float) -> dict[str, int]:
    counts: Counter[str] = Counter()
    tasks = [asyncio.create_task(_one(url, number, counts)) for number in range(sockets)]
    await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return dict(counts)


def _loading(url: str, sockets: int, seconds: float, results: "Queue[dict[str, int]]") -> None:
    results.put(asyncio.run(_load(url, sockets, seconds)))


async def _lags(url: str, seconds: float) -> list[float]:
    """Return what pings waited, in seconds, one about every 10 ms."""
    found: list[float] = []
    async with connect(url, compression=None) as socket:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.perf_counter()
            await (await socket.ping())
            found.append(time.perf_counter() - began)
            await asyncio.sleep(_PING_SECONDS)
    return found


def _exited(pid: int) -> float:
    """Tell a process to end and return the seconds it took; infinite where it has not in 30 s."""
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    while time.monotonic() - began < 2 * _EXIT_SECONDS:
        try:
            os.kill(pid, 0)
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == pid:
                    break
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123 - Linux's own
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    break
        except (ProcessLookupError, FileNotFoundError):
            break
        time.sleep(0.02)
    else:
        return float("inf")
    return time.monotonic() - began


def main() -> int:
    """Measure, print one JSON object, and return 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="ws://127.0.0.1:8000/ws/chat")
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pid", type=int, help="the service's process, to be ended at the end")
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    results: Queue[dict[str, int]] = context.Queue()
    quiet = asyncio.run(_lags(given.url, 2.0))
    lasting = given.seconds + (2 * _EXIT_SECONDS if given.pid else 2.0)
    loading = context.Process(target=_loading, args=(given.url, given.sockets, lasting, results))
    loading.start()
    time.sleep(2.0)
    lags = asyncio.run(_lags(given.url, given.seconds))
    exit_seconds = _exited(given.pid) if given.pid else None
    counts = results.get(timeout=120)
    loading.join()
    report = _report(quiet, lags, counts, exit_seconds)
    print(json.dumps(report, indent=2))
    missed = report["lag_p99_ms"] > _MOST_LAG * 1000 or (
        exit_seconds is not None and (exit_seconds > _EXIT_SECONDS or counts.get("told") != counts.get("opened"))
    )
    return int(missed)


def _report(quiet: list[float], lags: list[float], counts: dict[str, int], ended: float | None) -> dict[str, Any]:
    return {
        "idle_lag_p99_ms": _percentile(quiet, 99),
        "lag_p50_ms": _percentile(lags, 50),
        "lag_p99_ms": _percentile(lags, 99),
        "lag_max_ms": round(max(lags) * 1000, 1),
        "pings": len(lags),
        "exit_seconds": None if ended is None else round(ended, 2),
        "counts": counts,
    }


def _percentile(values: list[float], percent: int) -> float:
    return round(statistics.quantiles(values, n=100)[percent - 1] * 1000, 1)


if __name__ == "__main__":
    raise SystemExit(main())
