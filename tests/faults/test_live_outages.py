"""Redis or MongoDB frozen or dead while people chat over WebSocket and Socket.IO.

They are answered, and told what is kept; connections live on, nothing acknowledged is lost, nothing is doubled.
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_processes import lasting_redis, mongo, running

from tests.fault_callers import CONVERSATIONS, ask, begin_session, caller, comes_true, new_question
from tests.fault_channels import LONGEST, Channel, Told, channel
from tests.fault_processes import Service, Standing, between, service_in

pytest_plugins = ["tests.fault_installation"]
pytestmark = pytest.mark.models

BACK_SECONDS = 5.0
DURING = 3
KINDS = ("websocket", "socketio", "polling")


@dataclass
class Talk:
    """Somebody who asks one question after the other in one conversation, and notes what was acknowledged."""

    channel: Channel
    client: httpx.AsyncClient
    cookie: str
    conversation: str | None = None
    kept: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    longest: float = 0.0

    async def once(self, **more: Any) -> Told:
        """Ask something new; it is answered, and told whether that is kept."""
        text, began = new_question(), time.monotonic()
        message: Told = {"message": text, "id": str(uuid.uuid4()), **more}
        if self.conversation is not None:
            message["conversation_id"] = self.conversation
        end = await self.channel.ask(message)
        self.longest = max(self.longest, time.monotonic() - began)
        assert end["event"] == "final_answer", end
        self.conversation = end["conversation_id"]
        (self.kept if end["persisted"] else self.lost).append(text)
        return {**message, **end, "message": text}

    async def is_kept(self) -> bool:
        return bool((await self.once())["persisted"])

    async def check(self) -> None:
        """See that what was acknowledged is there, once, in its order, with its answer; the rest at most once."""
        found = await self.client.get(f"{CONVERSATIONS}/{self.conversation}", params={"limit": 100})
        messages = found.json()["messages"]
        asked = [one["content"] for one in messages if one["role"] == "user"]
        assert [one["role"] for one in messages] == ["user", "assistant"] * len(asked)
        assert set(Counter(asked).values()) == {1}
        assert [text for text in asked if text in set(self.kept)] == self.kept
        assert set(asked) - set(self.kept) <= set(self.lost)


@dataclass
class Stand:
    """One service over both servers, each with a proxy in between."""

    service: Service
    redis: Standing
    mongo: Standing


@pytest.fixture(scope="module")
def stand(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with ExitStack() as stack:
        cache = stack.enter_context(running(lasting_redis, "redis", tmp_path_factory.mktemp("redis")))
        store = stack.enter_context(running(mongo, "mongodb", tmp_path_factory.mktemp("mongo")))
        to_cache, to_store = (stack.enter_context(between(one.port)) for one in (cache, store))
        settings = {
            "STATE_DIR": tmp_path_factory.mktemp("state"),
            "REDIS_URL": f"redis://127.0.0.1:{to_cache.port}",
            "MONGODB_URI": f"mongodb://127.0.0.1:{to_store.port}/live?directConnection=true",
        }
        service = stack.enter_context(service_in(installation, settings))
        service.wait_ready()
        yield Stand(service, Standing(service, cache, to_cache), Standing(service, store, to_store))


@asynccontextmanager
async def talks(stand: Stand) -> AsyncIterator[list[Talk]]:
    """Let people, each with a session of their own, begin to talk over each channel."""
    async with AsyncExitStack() as stack:
        begun = []
        for kind in KINDS:
            client = await stack.enter_async_context(caller(stand.service.base))
            cookie = await begin_session(client)
            talk = Talk(await stack.enter_async_context(channel(stand.service.port, kind, cookie)), client, cookie)
            assert (await talk.once())["persisted"] is True
            begun.append(talk)
        yield begun


def harm(standing: Standing, how: str) -> None:
    if how == "frozen":
        standing.server.freeze()
    else:
        standing.kill()


def mend(standing: Standing, how: str) -> None:
    if how == "frozen":
        standing.server.thaw()
    else:
        standing.server.start()


async def ask_on(talk: Talk, times: int) -> list[Told]:
    return [await talk.once() for _ in range(times)]


async def newcomer(stand: Stand, kind: str, cookie: str) -> Told:
    """Connect while the trouble lasts, ask, and leave."""
    async with channel(stand.service.port, kind, cookie) as opened, asyncio.timeout(LONGEST):
        return await opened.ask({"message": new_question(), "id": str(uuid.uuid4())})


async def others_are_answered(stand: Stand, *, persisted: bool) -> None:
    async with caller(stand.service.base) as client:
        reply = await ask(client, new_question())
    assert (reply.status_code, reply.json()["outcome"], reply.json()["persisted"]) == (200, "answered", persisted)


@pytest.mark.parametrize("how", ["frozen", "killed"])
@pytest.mark.parametrize("which", ["mongo", "redis"])
async def test_an_outage_while_people_chat(stand: Stand, which: str, how: str) -> None:
    standing: Standing = getattr(stand, which)
    async with talks(stand) as people:
        harm(standing, how)
        try:
            answers = await asyncio.gather(*(ask_on(talk, DURING) for talk in people))
            came = await asyncio.gather(
                *(newcomer(stand, kind, one.cookie) for kind, one in zip(KINDS, people, strict=True))
            )
            await others_are_answered(stand, persisted=which == "redis")
            codes = {await talk.channel.join(talk.conversation or "") for talk in people}
            assert codes == ({"store_failed"} if which == "mongo" else {""})
        finally:
            mend(standing, how)
        # The store alone decides what is kept; without Redis the instance is one by itself.
        for end in [*(end for some in answers for end in some), *came]:
            assert (end["event"], end["persisted"]) == ("final_answer", which == "redis"), end
        assert max(talk.longest for talk in people) < LONGEST
        await asyncio.gather(*(comes_true(talk.is_kept, BACK_SECONDS) for talk in people))
        for talk, some in zip(people, answers, strict=True):
            await asked_again_nothing_is_doubled(talk, some[-1])
            await talk.check()


async def asked_again_nothing_is_doubled(talk: Talk, before: Told) -> None:
    """Send a question of the outage once more, as a client does that is not sure of it: it is told what it was told."""
    again = {name: before[name] for name in ("message", "id", "conversation_id")}
    end = await talk.channel.ask(again)
    assert (end["event"], end["message_id"]) == ("final_answer", before["message_id"])


@pytest.mark.parametrize("which", ["mongo", "redis"])
async def test_a_death_in_the_middle_of_an_answer(stand: Stand, which: str) -> None:
    """It is answered to its end, or told that it was not; then it goes on, on the same connection."""
    standing: Standing = getattr(stand, which)
    async with talks(stand) as people:
        asking = [asyncio.create_task(talk.once()) for talk in people]
        await asyncio.sleep(0.005)
        standing.kill()
        try:
            ends = await asyncio.gather(*asking)
            assert {end["event"] for end in ends} == {"final_answer"}
        finally:
            standing.server.start()
        await asyncio.gather(*(comes_true(talk.is_kept, BACK_SECONDS) for talk in people))
        for talk in people:
            await talk.check()
