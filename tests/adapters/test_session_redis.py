"""Sessions on a Redis that is away, frozen, full or no Redis at all."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from server_processes import Server

from app.adapters.access.memory import MemoryKeys
from app.adapters.access.redis_sessions import RedisSessions
from app.adapters.access.signing import HmacSigner
from app.domain.identities import Credentials, Session
from app.errors import DependencyUnreachable, SettingsInvalid, StoreFailed
from app.services.access.guarding import Guard
from app.services.access.keys import Keys
from app.services.access.memory import Memory
from app.services.access.service import AccessRules, AccessService
from app.services.access.sessions import SessionRules, Sessions
from tests.access_builders import SECRET

pytest_plugins = ["live_servers"]

NOTHING = Credentials()


def access_over(store: RedisSessions, seconds: float = 0.05) -> AccessService:
    sessions = Sessions(store, HmacSigner(SECRET), Guard("sessions", seconds), Memory(), SessionRules())
    keys = Keys(MemoryKeys(), MemoryKeys(), Guard("keys", 1), Memory())
    return AccessService(sessions, keys, AccessRules(loopback=False))


@pytest.mark.parametrize("harm", [Server.freeze, Server.kill], ids=["frozen", "killed"])
async def test_who_was_seen_of_late_goes_on_and_nobody_waits_or_gets_in(
    own_redis: Server, harm: Callable[[Server], None]
) -> None:
    async with RedisSessions(own_redis.address) as store:
        access, other = access_over(store, 1.0), access_over(store)
        caller = await access.caller(NOTHING)
        assert caller.cookie is not None
        given = Credentials(session=caller.cookie.value)
        access._sessions._guard._seconds = 0.05
        await asyncio.sleep(1)
        harm(own_redis)
        took = []
        for _ in range(60):
            began = time.perf_counter()
            assert (await access.caller(given)).owner == caller.owner
            with pytest.raises(StoreFailed):
                await other.caller(given)
            took.append(time.perf_counter() - began)
        assert sorted(took)[-8] < 0.06
        assert sum(took) < 2
        began = time.perf_counter()
        assert (await access.caller(NOTHING)).owner != caller.owner
        assert time.perf_counter() - began < 0.5


async def test_it_is_in_use_again_soon_after_it_is_back(own_redis: Server) -> None:
    async with RedisSessions(own_redis.address) as store:
        access = access_over(store, 0.2)
        own_redis.freeze()
        caller = await access.caller(NOTHING)
        assert caller.cookie is not None
        for _ in range(6):
            await access.caller(Credentials(session=caller.cookie.value))
        own_redis.thaw()
        # Known to this process alone so far; stored now.
        deadline = time.monotonic() + 5
        while await store.get(caller.credential) is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
            await access.caller(Credentials(session=caller.cookie.value))


WHOLE: dict[str, Any] = dict.fromkeys(("owner", "digest", "previous", "key"), "x")
WHOLE |= dict.fromkeys(("began_at", "seen_at", "rotated_at"), "1.5")
GARBAGE: dict[str, dict[str, Any]] = {
    "fields missing": {"owner": "me"},
    "no time": WHOLE | {"began_at": "x"},
    "no text": WHOLE | {"owner": b"\xff"},
    "no number": WHOLE | {"began_at": "nan"},
    "no end of time": WHOLE | {"seen_at": "inf"},
    "far times": WHOLE | {"rotated_at": "1e300"},
}


@pytest.mark.parametrize("wrong", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_no_session(redis_server: Server, wrong: dict[str, Any]) -> None:
    name = "garbage:session:one"
    async with RedisSessions(redis_server.address, "garbage:") as store, Redis.from_url(redis_server.address) as other:
        await other.delete(name)
        for field, value in wrong.items():
            await other.hset(name, field, value)
        with pytest.raises(StoreFailed):
            await store.get("one")
        await other.set(name, "another type")
        with pytest.raises(StoreFailed):
            await store.get("one")


async def test_a_full_redis_keeps_nothing_and_says_so(own_redis: Server) -> None:
    moment = datetime.now(UTC)
    session = Session("one", "me", "d", moment, moment, moment)
    async with RedisSessions(own_redis.address) as store, Redis.from_url(own_redis.address) as other:
        await store.put(session, moment + timedelta(hours=1))
        await other.config_set("maxmemory", "1")
        with pytest.raises(StoreFailed):
            await store.put(session, moment + timedelta(hours=1), over="d")
        assert await store.get("one") == session


async def test_redis_lets_go_of_what_has_ended(redis_server: Server) -> None:
    moment = datetime.now(UTC)
    async with RedisSessions(redis_server.address, "ends:") as store, Redis.from_url(redis_server.address) as other:
        await store.put(Session("old", "me", "d", moment, moment, moment), moment + timedelta(seconds=0.1))
        await store.put(Session("one", "me", "d", moment, moment, moment), moment + timedelta(hours=2))
        await asyncio.sleep(0.15)
        await store.put(Session("two", "me", "d", moment, moment, moment), moment + timedelta(hours=1))
        (listed,) = [key async for key in other.scan_iter("ends:sessions:*")]
        assert sorted(await other.zrange(listed, 0, -1)) == [b"one", b"two"]
        assert 7_190_000 < await other.pttl(listed) <= 7_200_000
        assert 3_590_000 < await other.pttl("ends:session:two") <= 3_600_000


async def test_a_redis_that_cannot_be_reached_refuses_the_start(own_redis: Server) -> None:
    own_redis.freeze()
    began = time.monotonic()
    with pytest.raises(DependencyUnreachable, match="REDIS_URL"):
        async with RedisSessions(own_redis.address):
            pass
    assert time.monotonic() - began < 5
    own_redis.kill()
    with pytest.raises(DependencyUnreachable, match="REDIS_URL"):
        async with RedisSessions(own_redis.address):
            pass


async def test_wrong_credentials_and_no_url_are_named_without_being_repeated(own_redis: Server) -> None:
    async with Redis.from_url(own_redis.address) as other:
        await other.config_set("requirepass", "right")
    with pytest.raises(DependencyUnreachable, match="credentials"):
        async with RedisSessions(own_redis.address.replace("://", "://:wrong@")):
            pass
    with pytest.raises(SettingsInvalid, match="REDIS_URL") as caught:
        RedisSessions("http://hush@host")
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
