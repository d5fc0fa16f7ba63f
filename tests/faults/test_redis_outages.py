"""Redis frozen, dead, full, read-only, talking nonsense: everybody is answered as usual, and nobody gets in."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fault_proxy import Faults
from redis import Redis
from server_processes import redis, running

from app.adapters.access.signing import HmacSigner
from app.services.access.tokens import new_secret, new_session_id
from tests.fault_callers import (
    CONVERSATIONS,
    REPEATED,
    ask,
    begin_session,
    caller,
    comes_true,
    is_cached,
    is_unavailable,
    loaded,
    mixed,
    new_question,
    p95,
)
from tests.fault_processes import SECRET, Standing, between, service_in

pytest_plugins = ["tests.fault_installation"]
pytestmark = pytest.mark.models

ADDED = 0.06
TRIES = 3
OPENING_SECONDS = 1.0
"""Until by then the trouble is known, some wait for every call: more than 5 % of those that come in a few seconds."""
MINUTE = 60.0
BACK_SECONDS = 5.0
NAME = "itsupport_session"
SLOW = pytest.mark.slow


@dataclass(frozen=True)
class Trouble:
    """How something goes wrong and is put right again; `deaf` is a Redis that cannot be asked at all."""

    hurt: Callable[[Standing], Any]
    heal: Callable[[Standing], Any]
    deaf: bool = True


@pytest.fixture(scope="module")
def standing(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with ExitStack() as stack:
        server = stack.enter_context(running(redis, "redis", tmp_path_factory.mktemp("redis")))
        way = stack.enter_context(between(server.port))
        settings = {"STATE_DIR": tmp_path_factory.mktemp("state"), "REDIS_URL": f"redis://127.0.0.1:{way.port}"}
        # While other programs take the machine, requests are to wait: refusals would look like faults.
        patience = {"ADMISSION_WAIT_SECONDS": 20}
        service = stack.enter_context(service_in(installation, {**settings, **patience}))
        service.wait_ready()
        yield Standing(service, server, way)


def inside(standing: Standing) -> Redis:
    return Redis(port=standing.server.port)


TROUBLES = {
    "frozen": Trouble(lambda it: it.server.freeze(), lambda it: it.server.thaw()),
    "killed": Trouble(Standing.kill, lambda it: it.server.start()),
    "garbage": Trouble(
        lambda it: it.way.hurt(Faults(garble=b"\x00\xff$-7\r\nHTTP/1.1 400 Bad Request\r\n\r\n")),
        lambda it: it.way.heal(),
    ),
    "full": Trouble(
        lambda it: inside(it).config_set("maxmemory", 1),
        lambda it: inside(it).config_set("maxmemory", 0),
        deaf=False,
    ),
    "read-only": Trouble(
        lambda it: inside(it).replicaof("127.0.0.1", "1"),
        lambda it: inside(it).replicaof("NO", "ONE"),
        deaf=False,
    ),
}


def unknown_session() -> dict[str, str]:
    """Return the cookie of a session that another instance began, which this one has not seen yet."""
    signed = HmacSigner(SECRET).sign(f"{new_session_id()}.{new_secret()}")
    return {"Cookie": f"{NAME}={signed}"}


async def outlasted(standing: Standing, name: str, seconds: float) -> None:
    """See a trouble through: nobody waits longer for it; seen again where the machine was busy with something else."""
    added: list[float] = []
    while not added or (added[-1] > ADDED and len(added) < TRIES):
        added.append(await added_by(standing, name, seconds))
    assert min(added) <= ADDED, added


async def added_by(standing: Standing, name: str, seconds: float) -> float:
    """See a trouble through, and return by how many seconds it made answers slower (p95).

    The load goes on at its pace, sessions keep their rules, the cache comes back.
    """
    trouble = TROUBLES[name]
    async with caller(standing.base) as known, caller(standing.base) as nobody:
        cookie = await begin_session(known)
        mine = (await ask(known, new_question())).json()
        assert mine["persisted"]
        source = mixed(cookie)
        before = await loaded(standing.service, source, max(1.0, seconds / 5))
        trouble.hurt(standing)
        try:
            opening = await loaded(standing.service, source, OPENING_SECONDS)
            during, replies = await asyncio.gather(
                loaded(standing.service, source, seconds - OPENING_SECONDS),
                sessions_meanwhile(known, nobody, f"{CONVERSATIONS}/{mine['conversation_id']}", seconds / 2),
            )
        finally:
            trouble.heal(standing)
        keep_their_rules(replies, deaf=trouble.deaf)
        assert await comes_true(lambda: is_cached(known), BACK_SECONDS) < BACK_SECONDS
        after = await loaded(standing.service, source, 1.0)
    everything = [*opening, *during] if seconds >= MINUTE else during
    return p95(everything) - max(p95(before), p95(after))


async def sessions_meanwhile(
    known: httpx.AsyncClient, nobody: httpx.AsyncClient, mine: str, after: float
) -> tuple[httpx.Response, ...]:
    """Ask as whoever was known, whoever is not, and a new visitor, when the trouble has lasted for a while."""
    await asyncio.sleep(after)
    own = await known.get(mine)
    stranger = await nobody.get(CONVERSATIONS, headers=unknown_session())
    asking = await nobody.post("/api/v1/chat/", json={"query": REPEATED}, headers=unknown_session())
    nobody.cookies.clear()
    visitor = await nobody.post("/api/v1/sessions")
    return own, stranger, asking, visitor


def keep_their_rules(replies: tuple[httpx.Response, ...], *, deaf: bool) -> None:
    own, stranger, asking, visitor = replies
    assert own.status_code == 200, "a session that was known goes on, and sees what is its own"
    assert visitor.status_code == 201
    if deaf:
        assert is_unavailable(stranger)
        assert is_unavailable(asking)
    else:
        # It can be asked, and knows no such session: whoever brought it is somebody new.
        assert stranger.json()["conversations"] == []
        assert asking.status_code == 200


async def test_frozen_for_a_while(standing: Standing) -> None:
    await outlasted(standing, "frozen", 5.0)


@SLOW
async def test_frozen_for_a_minute(standing: Standing) -> None:
    await outlasted(standing, "frozen", MINUTE)


@pytest.mark.parametrize(
    "name", ["killed", "full", *(pytest.param(name, marks=SLOW) for name in ("garbage", "read-only"))]
)
async def test_other_troubles(standing: Standing, name: str) -> None:
    await outlasted(standing, name, 2.0)


@SLOW
@pytest.mark.parametrize("name", [name for name in TROUBLES if name != "frozen"])
async def test_other_troubles_at_length(standing: Standing, name: str) -> None:
    await outlasted(standing, name, 10.0)


async def test_answers_of_the_wrong_type_are_made_anew(standing: Standing) -> None:
    async with caller(standing.base) as client:
        await comes_true(lambda: is_cached(client), BACK_SECONDS)
        text = new_question()
        await ask(client, text)
        assert (await ask(client, text)).json()["cached"]
        with inside(standing) as store:
            for key in store.keys("itsupport:*"):
                store.delete(key)
                store.lpush(key, "a list")
        replies = [await ask(client, text) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert [reply.json()["cached"] for reply in replies] == [False, True]


@SLOW
async def test_twenty_deaths(standing: Standing) -> None:
    async with caller(standing.base) as client:
        for _ in range(20):
            standing.kill()
            assert (await ask(client, new_question())).status_code == 200
            standing.server.start()
            await comes_true(lambda: is_cached(client), BACK_SECONDS)
