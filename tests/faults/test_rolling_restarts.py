"""One instance after the other is replaced under load: nobody is refused, every answer begun is told to its end."""

import asyncio
import json
import logging
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from live_clients import line
from openai_server import LAST_CHUNK, STREAM_HEAD, Act, Ask, chunked, events, reply, serving
from websockets.exceptions import ConnectionClosed

from tests.balancer import Balancer, balancing
from tests.fault_callers import CHAT, comes_true, new_question
from tests.fault_processes import Service, service_in

pytest_plugins = ["tests.fault_installation"]
pytestmark = pytest.mark.models

SAID = "1. Restart the router and connect the VPN again. 2. Allow UDP ports 500 and 4500 in the firewall."
TELLING_SECONDS = 1.0
DRAIN_SECONDS = 1
EXIT_SECONDS = 15.0
ENDED = {0, -signal.SIGTERM}
STREAMS, PLAIN, SOCKETS = 4, 2, 2
ENDS = {"final_answer", "server_restarting"}
CLOSED_FOR_RESTART = 1012
START_SECONDS = 5.0

logger = logging.getLogger(__name__)


def slowly(ask: Ask) -> Sequence[Act]:
    """Answer over a second or so."""
    if ask.method == "GET":
        return [reply(200, b'{"data": []}')]
    parts = events(SAID)
    return [STREAM_HEAD, *(act for part in parts for act in (TELLING_SECONDS / len(parts), chunked(part))), LAST_CHUNK]


@dataclass
class Load:
    """Who asks all the while, and how what they asked has ended."""

    port: int
    ends: Counter[str] = field(default_factory=Counter)
    over: bool = False

    async def runs(self, once: Callable[[], Awaitable[str]], kind: str) -> None:
        while not self.over:
            self.ends[f"{kind}: {await once()}"] += 1

    async def streamed(self) -> str:
        """Have an answer streamed; return how it ended."""
        told = ""
        try:
            async with self._client() as client, client.stream("POST", CHAT, json=self._body(stream=True)) as reply:
                if reply.status_code != 200:
                    return str(reply.status_code)
                async for text in reply.aiter_text():
                    told += text
        except httpx.TransportError as error:
            return type(error).__name__
        *_, last = told.strip().split("\n\n")
        return _end(*last.removeprefix("event: ").split("\ndata: ", 1))

    async def answered(self) -> str:
        try:
            async with self._client() as client:
                reply = await client.post(CHAT, json=self._body())
        except httpx.TransportError as error:
            return type(error).__name__
        return str(reply.status_code)

    async def talked(self) -> str:
        """Ask over a WebSocket until it is closed; return how the last question ended, and the code it closed with."""
        end = ""
        try:
            async with line(self.port) as chat:
                while not self.over:
                    await chat.send(type="question", message=self._body()["query"])
                    end = ""
                    last = (await chat.until("final_answer", "error", seconds=20))[-1]
                    end = str(last.get("code", last["type"]))
                    if last["type"] == "error":
                        return f"{end} {await chat.closed()}"
        except ConnectionClosed as error:
            return f"{end or 'nothing'} {error.rcvd.code if error.rcvd else 0}"
        return end

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=40, headers={"Connection": "close"})

    def _body(self, **more: object) -> dict[str, object]:
        return {"query": f"vpn error 809 {new_question()}", **more}


def _end(name: str, data: str) -> str:
    return str(json.loads(data).get("code", name)) if name == "error" else name


async def in_use(service: Service, balancer: Balancer) -> Service:
    """Wait until clients are sent to an instance that was just started."""
    await asyncio.to_thread(service.wait_ready)
    balancer.instances.append(service.port)
    await comes_true(lambda: balancer.sends_to(service.port), START_SECONDS)
    return service


async def ended(service: Service, balancer: Balancer) -> float:
    """End an instance; return how many seconds that took."""
    began = time.monotonic()
    service.told_to_end()
    code = await asyncio.to_thread(service.ended, EXIT_SECONDS)
    took = time.monotonic() - began
    assert code in ENDED
    assert "Traceback" not in service.output
    balancer.instances.remove(service.port)
    return took


@pytest.mark.parametrize("times", [2, pytest.param(100, marks=pytest.mark.slow)])
async def test_restarts_under_load(installation: Path, tmp_path: Path, times: int) -> None:
    async with serving(slowly) as model, balancing() as balancer:
        settings = {
            "OPENAI_API_URL": model.url,
            "LLM_MODEL_ID": "some-model",
            "ANSWER_MODE": "generate",
            "STATE_DIR": tmp_path,
            "DRAIN_SECONDS": DRAIN_SECONDS,
        }
        with ExitStack() as stack:

            def start() -> Service:
                return stack.enter_context(service_in(installation, settings))

            service = await in_use(start(), balancer)
            load = Load(balancer.port)
            askers = [("stream", load.streamed)] * STREAMS + [("plain", load.answered)] * PLAIN
            askers += [("socket", load.talked)] * SOCKETS
            asking = [asyncio.create_task(load.runs(once, kind)) for kind, once in askers]
            took = []
            for _ in range(times):
                old, service = service, await in_use(start(), balancer)
                took.append(await ended(old, balancer))
            load.over = True
            await asyncio.gather(*asking)
    logger.info("%d restarts: %s, the longest end %.1f s, %d joined", times, load.ends, max(took), balancer.joined)
    assert balancer.refused == 0, load.ends
    assert set(load.ends) <= {
        *(f"stream: {end}" for end in ENDS),
        "plain: 200",
        "socket: final_answer",
        *(f"socket: {end} {CLOSED_FOR_RESTART}" for end in ENDS),
    }
    assert load.ends["stream: final_answer"] >= times
