"""MongoDB frozen, dead, slow, or losing what it says: questions are answered, and nothing acknowledged is lost."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fault_proxy import Faults
from server_processes import mongo, running

from app.services.access.tokens import new_key
from tests.fault_callers import (
    CHAT,
    CONVERSATIONS,
    FILES,
    ask,
    begin_session,
    caller,
    comes_true,
    is_unavailable,
    new_question,
)
from tests.fault_processes import Standing, between, service_in

pytest_plugins = ["tests.fault_installation"]
pytestmark = pytest.mark.models

SLOW = pytest.mark.slow
BACK_SECONDS = 5.0
LONGEST = 5.0
"""How long anything may take: far less than the 20 s that a request has."""
WARNING = '199 - "question and answer were not stored"'
_ACKNOWLEDGEMENT = b"nModified"
LOG = b"2026-11-21 09:30:00 ERROR vpn: error 809, the server does not respond\n"
Harm = Callable[[Standing], Any]
TROUBLES: dict[str, tuple[Harm, Harm]] = {
    "frozen": (lambda it: it.server.freeze(), lambda it: it.server.thaw()),
    "killed": (Standing.kill, lambda it: it.server.start()),
    "slow": (lambda it: it.way.hurt(Faults(latency=2.0)), lambda it: it.way.heal()),
    "reset": (lambda it: it.way.hurt(Faults(lose_replies=True)), lambda it: it.way.heal()),
    "half-open": (lambda it: it.way.hurt(Faults(blackhole=True)), lambda it: it.way.heal()),
}


@pytest.fixture(scope="module")
def standing(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with ExitStack() as stack:
        server = stack.enter_context(running(mongo, "mongodb", tmp_path_factory.mktemp("mongo")))
        way = stack.enter_context(between(server.port))
        uri = f"mongodb://127.0.0.1:{way.port}/faults?directConnection=true"
        settings = {"STATE_DIR": tmp_path_factory.mktemp("state"), "MONGODB_URI": uri}
        service = stack.enter_context(service_in(installation, settings))
        service.wait_ready()
        yield Standing(service, server, way)


@dataclass
class Writer:
    """Somebody who goes on asking in one conversation, and notes what was acknowledged."""

    client: httpx.AsyncClient
    conversation: str
    kept: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    longest: float = 0.0
    over: bool = False
    """It is to stop, once it has heard what it asked last."""

    async def once(self) -> httpx.Response:
        text, began = new_question(), time.monotonic()
        reply = await ask(self.client, text, conversation_id=self.conversation)
        self.longest = max(self.longest, time.monotonic() - began)
        assert reply.status_code == 200, reply.text
        persisted = reply.json()["persisted"]
        assert ("warning" in reply.headers) is not persisted
        (self.kept if persisted else self.lost).append(text)
        return reply

    async def on_and_on(self) -> None:
        while not self.over:
            await self.once()
            await asyncio.sleep(0.02)

    async def check(self) -> list[str]:
        """See that what was acknowledged is there, once, in its order, with its answer; the rest at most once.

        Returns the questions that are there.
        """
        found = await self.client.get(f"{CONVERSATIONS}/{self.conversation}", params={"limit": 100})
        messages = found.json()["messages"]
        asked = [one["content"] for one in messages if one["role"] == "user"]
        assert len(messages) == 2 * len(asked)
        assert all(count == 1 for count in Counter(asked).values())
        acknowledged = set(self.kept)
        assert [text for text in asked if text in acknowledged] == self.kept[-50:]
        assert set(asked) - acknowledged <= set(self.lost)
        return asked


async def begun(client: httpx.AsyncClient) -> Writer:
    """Begin a session and a conversation in it."""
    await begin_session(client)
    text = new_question()
    first = (await ask(client, text)).json()
    assert first["persisted"]
    return Writer(client, first["conversation_id"], [text])


@pytest.mark.parametrize(
    "name", ["frozen", *(pytest.param(name, marks=SLOW) for name in ("killed", "slow", "reset", "half-open"))]
)
async def test_an_outage(standing: Standing, name: str) -> None:
    hurt, heal = TROUBLES[name]
    async with caller(standing.base) as mine, caller(standing.base) as theirs:
        writer, other = await begun(mine), await begun(theirs)
        writing = asyncio.create_task(writer.on_and_on())
        await asyncio.sleep(0.2)
        hurt(standing)
        try:
            # The first calls find out; what holds from then on is what clients see of an outage.
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await asyncio.gather(
                new_questions_are_answered(standing),
                conversations_go_on_without_their_history(other, writer.conversation),
                histories_are_not_available(mine, writer.conversation),
                files_are_analysed(theirs, other.conversation),
                keys_open_nothing_unseen(standing),
                it_is_ready_without_its_store(standing),
            )
            assert time.monotonic() - began < LONGEST
        finally:
            heal(standing)
        await comes_true(lambda: is_kept(mine), BACK_SECONDS)
        writer.over = True
        await writing
        await writer.once()
        assert writer.lost
        assert writer.longest < LONGEST
        await writer.check()
        await other.check()


async def is_kept(client: httpx.AsyncClient) -> bool:
    return bool((await ask(client, new_question())).json()["persisted"])


async def new_questions_are_answered(standing: Standing) -> None:
    async with caller(standing.base) as client:
        for _ in range(3):
            reply = await ask(client, new_question())
            assert reply.status_code == 200
            assert reply.json()["outcome"] == "answered"
            assert reply.json()["persisted"] is False
            assert reply.headers["warning"] == WARNING


async def conversations_go_on_without_their_history(writer: Writer, foreign: str) -> None:
    """Continue a conversation, and try somebody else's: both are answered as if there had been nothing before."""
    follow_up = "and what if that does not help?"
    own = await ask(writer.client, follow_up, conversation_id=writer.conversation)
    other = await ask(writer.client, follow_up, conversation_id=foreign)
    alone = await ask(writer.client, follow_up)
    for reply in (own, other, alone):
        assert reply.status_code == 200
        assert reply.json()["persisted"] is False
        assert reply.json()["response"] == alone.json()["response"]
    writer.lost.append(follow_up)


async def histories_are_not_available(client: httpx.AsyncClient, name: str) -> None:
    one = f"{CONVERSATIONS}/{name}"
    replies = await asyncio.gather(
        client.get(CONVERSATIONS),
        client.post(CONVERSATIONS, json={}),
        client.get(f"{CONVERSATIONS}/search", params={"q": "vpn"}),
        client.get(one),
        client.patch(one, json={"title": "another"}),
        client.get(f"{one}/export", params={"format": "csv"}),
        client.get(f"{one}/examples"),
        client.get(FILES, params={"conversation_id": name}),
    )
    for reply in replies:
        assert is_unavailable(reply), (reply.request.method, reply.request.url, reply.status_code, reply.text)


async def files_are_analysed(client: httpx.AsyncClient, conversation: str) -> None:
    for fields in ({}, {"conversation_id": conversation}):
        reply = await client.post(FILES, files={"file": ("vpn.log", LOG)}, data=fields)
        assert reply.status_code == 200, reply.text
        report = reply.json()
        assert report["persisted"] is False
        assert report["troubles"] == ["not kept: store_failed"]
        assert report["codes"][0]["code"] == "809"
        assert report["knowledge"][0]["citations"]


async def keys_open_nothing_unseen(standing: Standing) -> None:
    async with caller(standing.base, Authorization=f"Bearer {new_key()}") as client:
        assert is_unavailable(await client.post(CHAT, json={"query": new_question()}))


async def it_is_ready_without_its_store(standing: Standing) -> None:
    async with caller(standing.base) as client:
        reply = await client.get("/readyz")
        checks = {check["name"]: check["status"] for check in reply.json()["checks"]}
    assert reply.status_code == 200
    assert checks["conversations"] == "degraded"


async def test_writes_whose_acknowledgement_is_lost_are_not_claimed_and_not_doubled(standing: Standing) -> None:
    async with caller(standing.base) as client:
        writer = await begun(client)
        lost = standing.way.proxy.lost
        standing.way.proxy.unsaid = _ACKNOWLEDGEMENT
        try:
            for _ in range(2):
                await writer.once()
        finally:
            standing.way.heal()
        assert standing.way.proxy.lost > lost
        assert len(writer.lost) == 2
        await comes_true(lambda: is_kept(client), BACK_SECONDS)
        await writer.once()
        assert writer.lost[0] in await writer.check(), "the server had applied it"


async def test_a_stream_says_that_it_was_not_kept(standing: Standing) -> None:
    async with caller(standing.base, Accept="text/event-stream") as client:
        standing.server.freeze()
        try:
            reply = await client.post(CHAT, json={"query": new_question()})
        finally:
            standing.server.thaw()
        assert reply.status_code == 200
        assert '"persisted":false' in reply.text.split("event: final_answer")[1]
