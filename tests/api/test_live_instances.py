"""Several instances over one real Redis are one service; one that ends, in order or not, is taken over."""

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from live_clients import Told, line, phone, text_of
from server_processes import Server

from app.adapters.stores.sqlite_store import SqliteStore

pytest_plugins = ["live_servers"]

ROOT = Path(__file__).parents[2]
QUESTION = "How do I reset the VPN profile when it has been damaged"


class Instance:
    def __init__(self, folder: Path, name: str, *more: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / f"{name}.log"
        command = [sys.executable, "-m", "tests.api.live_app", "--port", str(self.port), *more]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    async def ready(self) -> None:
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, self.log.read_text()
            await asyncio.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@asynccontextmanager
async def instances(folder: Path, number: int, *more: str) -> AsyncIterator[list[Instance]]:
    started = [Instance(folder, f"i{index}", *more) for index in range(number)]
    try:
        await asyncio.gather(*(instance.ready() for instance in started))
        yield started
    finally:
        for instance in started:
            instance.kill()


@pytest.fixture
def options(redis_server: Server, tmp_path: Path) -> tuple[str, ...]:
    return "--redis", redis_server.address, "--database", str(tmp_path / "c.sqlite3"), "--pace", "0.1"


async def _kept(folder: Path, conversation: str) -> list[tuple[str, str | None]]:
    async with SqliteStore(folder / "c.sqlite3") as store:
        turns = await store.history("anonymous", conversation, 10)
    return [(turn.content, turn.outcome) for turn in turns]


async def test_what_one_instance_answers_is_heard_on_the_other_and_one_that_dies_is_taken_over(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    asked = str(uuid.uuid4())
    async with instances(tmp_path, 2, *options) as (one, two):
        async with line(one.port) as chat, phone(two.port) as client:
            await chat.socket.send("A first question")
            conversation = (await chat.until("final_answer"))[0]["conversation_id"]
            assert (await client.call("join", {"conversation_id": conversation}))["ok"] is True
            await chat.send(type="question", message="A second question", conversation_id=conversation)
            heard = await client.until("final_answer")
            assert [name for name, _data in heard][2:4] == ["question", "search_results"]
            assert "".join(data.get("chunk", "") for _name, data in heard).strip() == "A second question"

        async with line(one.port) as chat, line(two.port) as other:
            await chat.send(type="question", message=QUESTION, id=asked)
            before = await chat.until("message")
            # Another device follows on the other instance, from the beginning on.
            await other.send(type="resume", id=asked)
            followed = await other.until("message")
            one.kill()
            killed = time.monotonic()
            await chat.closed()
            rest = await other.until("final_answer", seconds=15)
            assert time.monotonic() - killed < 8
            again = [*followed, *rest]
            async with line(two.port) as returned:
                await returned.send(type="resume", id=asked, after=before[-1]["seq"])
                resumed = await returned.until("final_answer")
        assert "restart" in [event["type"] for event in rest]
        assert text_of(again).strip() == QUESTION
        assert text_of([*before, *resumed]).strip() == QUESTION
        assert resumed[-1] == rest[-1]
        two.process.send_signal(signal.SIGTERM)
        assert two.process.wait(15) in {0, -signal.SIGTERM}
    assert await _kept(tmp_path, again[0]["conversation_id"]) == [(QUESTION, None), (QUESTION, "answered")]


async def test_an_instance_that_ends_says_so_and_another_one_goes_on(options: tuple[str, ...], tmp_path: Path) -> None:
    asked = str(uuid.uuid4())
    async with instances(tmp_path, 2, *options) as (one, two):
        async with line(one.port) as chat, line(one.port) as idle, phone(one.port) as client:
            await client.until("connected")
            await client.call("send_message", {"message": QUESTION})
            await client.until("response_chunk")
            await chat.send(type="question", message=QUESTION, id=asked)
            before = await chat.until("message")
            one.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            ended = (await chat.until("error"))[-1]
            assert (ended["code"], ended["id"], ended["resumable"]) == ("server_restarting", asked, True)
            assert await chat.closed() == 1012
            assert (await idle.until("error"))[-1]["code"] == "server_restarting"
            assert (await client.until("error"))[-1][1]["code"] == "server_restarting"
            await client.gone.wait()
        assert one.process.wait(15) in {0, -signal.SIGTERM}
        assert time.monotonic() - began < 5
        async with line(two.port) as chat:
            await chat.send(type="resume", id=asked, after=before[-1]["seq"])
            after = await chat.until("final_answer")
        assert after[1]["type"] == "restart"
        assert text_of([*before, *after]).strip() == QUESTION
    assert await _kept(tmp_path, after[0]["conversation_id"]) == [(QUESTION, None), (QUESTION, "answered")]


async def test_while_redis_is_frozen_every_instance_answers_by_itself(own_redis: Server, tmp_path: Path) -> None:
    async with instances(tmp_path, 1, "--redis", own_redis.address) as (one,), line(one.port) as chat:
        own_redis.freeze()
        try:
            for _ in range(3):
                began = time.monotonic()
                await chat.socket.send(QUESTION)
                assert text_of(await chat.until("final_answer")).strip() == QUESTION
                assert time.monotonic() - began < 3
        finally:
            own_redis.thaw()


@pytest.fixture
def wscat() -> str:
    found = shutil.which("wscat")
    if found is None:
        pytest.skip("npm's wscat is not installed (npm install -g wscat)")
    return found


async def test_wscat_asks_by_a_plain_line(wscat: str, tmp_path: Path) -> None:
    async with instances(tmp_path, 1) as (one,):
        # Its end of input is the end of wscat, so that is left open.
        asking = await asyncio.create_subprocess_exec(
            wscat,
            *("-c", f"ws://127.0.0.1:{one.port}/ws/chat", "-x", QUESTION, "-w", "9"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert asking.stdout is not None
        heard: list[Told] = []
        async with asyncio.timeout(15):
            while not heard or heard[-1]["type"] != "final_answer":
                row = (await asking.stdout.readline()).decode()
                assert row, heard
                heard += [json.loads(row[row.index("{") :])] if "{" in row else []
        asking.kill()
        await asking.communicate()
    assert [event["type"] for event in heard[:3]] == ["init", "greeting", "accepted"]
    assert heard[-1]["response"] == QUESTION
