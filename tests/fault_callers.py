"""What callers of a service under faults do: ask at a fixed rate, keep a session, look for problems."""

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import httpx

from app.services.evaluation.metrics import percentile
from benchmarks.overload import open_loop
from benchmarks.talking import post
from tests.fault_processes import Service

CHAT = "/api/v1/chat/"
CONVERSATIONS = "/api/v1/conversations"
FILES = "/api/v1/files"
REPEATED = "the vpn client reports error 809"
_NEW = (
    "printer is shown as offline in room",
    "the vpn client reports error 809 at site",
    "search in outlook finds no mail of",
)
_PAGE = {"Accept": "text/html"}
_numbers = itertools.count(1)


@asynccontextmanager
async def caller(base: str, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client that keeps cookies, and waits longer than any request may take."""
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=40) as client:
        yield client


async def begin_session(client: httpx.AsyncClient) -> str:
    """Open the chat page as a browser does, which begins a session; return its cookie as a header."""
    reply = await client.get("/", headers=_PAGE)
    assert reply.status_code == 200
    assert client.cookies
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def new_question() -> str:
    """Return a question that nobody has asked before, so that no answer to it can be kept."""
    number = next(_numbers)
    return f"{_NEW[number % len(_NEW)]} {number}"


async def ask(client: httpx.AsyncClient, text: str, **more: object) -> httpx.Response:
    return await client.post(CHAT, json={"query": text, **more})


async def is_cached(client: httpx.AsyncClient) -> bool:
    """Tell whether an answer just given is told again from the cache."""
    text = new_question()
    replies = [await ask(client, text) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    return bool(replies[1].json()["cached"])


async def comes_true(condition: Callable[[], Awaitable[bool]], seconds: float) -> float:
    """Return after how many seconds a condition that is tried again and again holds; fail where it never does."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def is_unavailable(reply: httpx.Response) -> bool:
    """Tell whether a reply is a 503 as it should be: a problem, with the seconds to wait, and nothing of the inside."""
    if reply.status_code != 503 or not reply.headers["content-type"].startswith("application/problem+json"):
        return False
    inside = re.search(r"mongo|redis|sqlite|127\.0\.0\.1|Traceback|/tmp/", reply.text, re.IGNORECASE)
    return reply.json()["status"] == 503 and int(reply.headers["retry-after"]) >= 1 and inside is None


def mixed(cookie: str) -> Iterator[bytes]:
    """Yield requests without end: new questions and one asked again and again, every other with a session."""
    with_cookie = f"Cookie: {cookie}\r\n".encode()
    for number in itertools.count():
        request = post(CHAT, {"query": REPEATED if number % 4 < 2 else new_question()})
        head, _, rest = request.partition(b"\r\n")
        yield head + b"\r\n" + with_cookie + rest if number % 2 else request


async def loaded(service: Service, source: Iterator[bytes], seconds: float, rate: float = 50.0) -> list[float]:
    """Ask at a rate whether or not answers come; return the seconds each took. Anything but 200 fails."""
    tally = await open_loop(service.port, source, rate, seconds)
    took = tally.took.pop(200, [])
    statuses = {status: len(times) for status, times in tally.took.items()}
    assert not tally.took, (statuses, [line for line in service.lines if "app.access" not in line][-20:])
    assert len(took) == int(rate * seconds), "each has its answer"
    return took


def p95(times: Sequence[float]) -> float:
    return percentile(times, 0.95)
