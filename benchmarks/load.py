"""A load generator: raw HTTP/1.1 on kept connections, so that it takes little of the cores it shares with the server.

python -m benchmarks.load PORT METHOD PATH QUERIES --connections 64 --seconds 10 [--first 0]

QUERIES has one question a line. Every request asks another one: a number is put behind it. Prints one line of JSON:
requests answered, seconds, and the latencies in milliseconds.
"""

import argparse
import asyncio
import itertools
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TOP_K = 4


def requests(method: str, path: str, questions: list[str], first: int) -> Iterator[bytes]:
    """Yield requests without end: POST with a JSON body as the service takes it, GET with a query string."""
    for number in itertools.count(first):
        text = f"{questions[number % len(questions)]} {number}"
        body = json.dumps({"query": text, "top_k": _TOP_K}).encode() if method == "POST" else b""
        target = path if method == "POST" else f"{path}?query={quote(text)}&limit={_TOP_K}"
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        yield head.encode() + b"\r\n" + body


async def client(port: int, source: Iterator[bytes], until: float) -> list[float]:
    """Ask on one connection until the time is up; return the milliseconds every answer took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took = []
    try:
        while (began := time.perf_counter()) < until:
            writer.write(next(source))
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            if b" 200 " not in head[:16] or length is None:
                raise ValueError(f"unexpected answer: {head[:200]!r}")
            await reader.readexactly(int(length[1]))
            took.append(1000 * (time.perf_counter() - began))
    finally:
        writer.close()
        await writer.wait_closed()
    return took


async def load(options: argparse.Namespace) -> dict[str, object]:
    """Run all clients at once; those whose answer is still out when the time is up wait for it."""
    questions = options.queries.read_text("utf-8").splitlines()
    source = requests(options.method, options.path, questions, options.first)
    began = time.perf_counter()
    until = began + options.seconds
    async with asyncio.TaskGroup() as group:
        clients = [group.create_task(client(options.port, source, until)) for _ in range(options.connections)]
    took = [value for each in clients for value in each.result()]
    return {"requests": len(took), "seconds": time.perf_counter() - began, "milliseconds": took}


def main(arguments: list[str]) -> int:
    """Load and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("method", choices=("GET", "POST"))
    parser.add_argument("path")
    parser.add_argument("queries", type=Path)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--first", type=int, default=0)
    print(json.dumps(asyncio.run(load(parser.parse_args(arguments)))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
