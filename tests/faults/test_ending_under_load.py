"""SIGTERM while answers are being told: who was heard is answered, and the process is gone in time."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from openai_server import LAST_CHUNK, STREAM_HEAD, Act, Ask, Script, chunked, events, reply, serving

from tests.fault_callers import CHAT, ask, caller, new_question
from tests.fault_processes import Service, service_in

pytest_plugins = ["tests.fault_installation"]
pytestmark = pytest.mark.models

SAID = "1. Restart the router and connect the VPN again. 2. Allow UDP ports 500 and 4500 in the firewall."
EXIT_SECONDS = 15.0
ENDED = {0, -signal.SIGTERM}
TELLING_SECONDS = 2.0


def slowly(ask: Ask) -> Sequence[Act]:
    """Answer over some seconds."""
    if ask.method == "GET":
        return [reply(200, b'{"data": []}')]
    parts = events(SAID)
    pause = TELLING_SECONDS / len(parts)
    return [STREAM_HEAD, *(act for part in parts for act in (pause, chunked(part))), LAST_CHUNK]


def endlessly(ask: Ask) -> Sequence[Act]:
    """Begin an answer and go on and on."""
    if ask.method == "GET":
        return slowly(ask)
    word = chunked(events("so ")[1])
    return [STREAM_HEAD, *(act for _ in range(300) for act in (0.2, word))]


@asynccontextmanager
async def telling(installation: Path, state: Path, script: Script) -> AsyncIterator[Service]:
    async with serving(script) as model:
        settings = {"OPENAI_API_URL": model.url, "LLM_MODEL_ID": "some-model", "ANSWER_MODE": "generate"}
        with service_in(installation, {"STATE_DIR": state, **settings}) as service:
            await asyncio.to_thread(service.wait_ready)
            yield service


async def streamed(client: httpx.AsyncClient) -> str:
    """Return all that is told of an answer, as far as it comes."""
    told = ""
    body = {"query": f"vpn error 809 {new_question()}", "stream": True}
    try:
        async with client.stream("POST", CHAT, json=body) as reply:
            assert reply.status_code == 200
            async for text in reply.aiter_text():
                told += text
    except httpx.TransportError as error:
        told += f"[{type(error).__name__}]"
    return told


async def takes_nobody(service: Service) -> bool:
    """Tell whether whoever comes now is turned away: no connection, or not ready."""
    try:
        async with caller(service.base) as client:
            return (await client.get("/readyz")).status_code == 503
    except httpx.ConnectError:
        return True


async def test_answers_under_way_are_told_to_their_end(installation: Path, tmp_path: Path) -> None:
    async with telling(installation, tmp_path, slowly) as service, caller(service.base) as client:
        streams = [asyncio.create_task(streamed(client)) for _ in range(8)]
        plain = [asyncio.create_task(ask(client, f"vpn error 809 {new_question()}")) for _ in range(4)]
        await asyncio.sleep(TELLING_SECONDS / 4)
        service.told_to_end()
        await asyncio.sleep(TELLING_SECONDS / 4)
        assert await takes_nobody(service)
        for told in await asyncio.gather(*streams):
            assert "event: final_answer" in told
            assert '"persisted":true' in told
        for answer in await asyncio.gather(*plain):
            assert answer.status_code == 200
            assert answer.json()["persisted"]
        assert await asyncio.to_thread(service.ended, EXIT_SECONDS) in ENDED
        assert "Traceback" not in service.output


@pytest.mark.slow
async def test_answers_without_end_do_not_keep_it(installation: Path, tmp_path: Path) -> None:
    async with telling(installation, tmp_path, endlessly) as service, caller(service.base) as client:
        streams = [asyncio.create_task(streamed(client)) for _ in range(8)]
        await asyncio.sleep(1.0)
        service.told_to_end()
        assert await asyncio.to_thread(service.ended, EXIT_SECONDS) in ENDED
        for told in await asyncio.gather(*streams):
            *_, last = told.strip().split("\n\n")
            assert last.startswith("event: error")
            assert '"code":"server_restarting"' in last
