"""Many clients of a real server that leave at random moments: nothing is left of any of them within a second."""

import asyncio
import json
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from openai_server import STREAM_HEAD, Act, Ask, Hang, Server, chunked, events, reply, serving, stream

from app.adapters.remote import openai_generator
from app.adapters.remote.openai_generator import OpenAiGenerator
from app.api.shedding import shedding
from app.application import create_app, limited
from app.config import Settings
from app.container import open_services
from app.services.admission import Admission
from tests.knowledge_folder import Place, built, copy_of

SAID = "1. Restart the router and connect the VPN again. 2. Allow UDP ports 500 and 4500 in the firewall."
QUESTION = "vpn error 809 from home"
LONGEST_STAY = 1.0
ARRIVALS = 50
"""How many come in a second."""
ADMITTED = 12


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("leaving")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


def quickly(ask: Ask) -> Sequence[Act]:
    """Answer all at once."""
    return [reply(200, b'{"data": []}') if ask.method == "GET" else stream(events(SAID))]


class Endless:
    """Begins an answer, says as much of it as chance will have, and never ends: who waits must leave."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def __call__(self, _: Ask) -> Sequence[Act]:
        parts = events(SAID)[: self._chance.randrange(20)]
        head = [STREAM_HEAD] if self._chance.random() < 0.8 else []
        return [*head, *(act for part in parts if head for act in (0.01, chunked(part))), Hang]


@dataclass
class Running:
    """The service, and the model's server beside it, all in this event loop."""

    port: int
    admission: Admission
    engine: OpenAiGenerator
    server: Server

    def held(self) -> tuple[int, int, int, int]:
        """Return what is taken: places, the queue, the engine's requests, tasks that are not a connection's."""
        tasks = len(asyncio.all_tasks()) - len(self.server.connections)
        return ADMITTED - self.admission._free, self.admission.waiting, self.engine.inside, tasks

    def engine_places(self) -> int:
        """Return how many requests the engine would take at once now."""
        return self.engine._caller._gate._places._value


@asynccontextmanager
async def running(place: Place, patch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    opened: list[OpenAiGenerator] = []

    def noted(*given: object, **named: object) -> OpenAiGenerator:
        opened.append(OpenAiGenerator(*given, **named))  # type: ignore[arg-type]
        return opened[-1]

    async with serving(quickly) as model:
        patch.setattr(openai_generator, "OpenAiGenerator", noted)
        place.set(OPENAI_API_URL=model.url, LLM_MODEL_ID="some-model", ANSWER_MODE="generate", ADMITTED=ADMITTED)
        settings = Settings.load()
        app = create_app(settings, open_services=open_services)
        http = shedding(app.state.admission, limited(settings.service))
        server = uvicorn.Server(uvicorn.Config(app, port=0, http=http, log_config=None, access_log=False))
        serves = asyncio.create_task(server.serve())
        while not server.started:
            assert not serves.done()
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield Running(port, app.state.admission, opened[0], model)
        finally:
            server.should_exit = True
            await serves


def request(path: str, body: dict[str, object]) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


def completion(text: str, *, stream: bool) -> bytes:
    messages = [{"role": "user", "content": text}]
    return request("/v1/chat/completions", {"model": "it-support", "messages": messages, "stream": stream})


WAYS: list[Callable[[str], bytes]] = [
    lambda text: request("/api/v1/chat/", {"query": text, "stream": True}),
    lambda text: request("/api/v1/chat/", {"query": text}),
    lambda text: completion(text, stream=True),
    lambda text: completion(text, stream=False),
]


async def answered(port: int, asked: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(asked.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n"))
    async with asyncio.timeout(30):
        received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


async def leave(port: int, chance: random.Random, number: int) -> None:
    """Come, ask in some way, and go after a while, politely or not, having read or not."""
    await asyncio.sleep(number / ARRIVALS)
    # Some ask the same, and share one answer being made.
    text = f"{QUESTION} {number if chance.random() < 0.8 else 'same'}"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = chance.choice(WAYS)(text)
    writer.write(asked if chance.random() < 0.9 else asked[: chance.randrange(len(asked))])
    reading = asyncio.create_task(reader.read(-1 if chance.random() < 0.7 else 100))
    await asyncio.sleep(chance.random() ** 2 * LONGEST_STAY)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    if chance.random() < 0.5:
        writer.transport.abort()
    else:
        writer.close()


async def leave_in_droves(place: Place, patch: pytest.MonkeyPatch, many: int) -> None:
    async with running(place, patch) as service:
        # Threads are made when they are first needed.
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.05) for _ in range(64)))
        for way in WAYS:
            received = await answered(service.port, way(f"{QUESTION} first"))
            assert received.startswith(b"HTTP/1.1 200 "), received
            assert b'degraded":false' in received.replace(b" ", b"")
        await asyncio.sleep(0.1)
        before, threads, engine = service.held(), threading.active_count(), service.engine_places()
        assert before[:3] == (0, 0, 0)
        chance = random.Random(500)  # noqa: S311
        service.server.script = Endless(chance)
        await asyncio.gather(*(leave(service.port, chance, number) for number in range(many)))
        begun = time.monotonic()
        async with asyncio.timeout(10):
            while any(now > then for now, then in zip(service.held(), before, strict=True)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert time.monotonic() - begun <= 1.0
        assert threading.active_count() <= threads
        service.server.script = quickly
        assert service.engine_places() == engine
        assert (await answered(service.port, WAYS[0](f"{QUESTION} last"))).startswith(b"HTTP/1.1 200 ")


async def test_50_leave_at_random_moments(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await leave_in_droves(place, monkeypatch, 50)


@pytest.mark.slow
async def test_500_leave_at_random_moments(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await leave_in_droves(place, monkeypatch, 500)
