"""Leases on a real Redis: one owner at a time, and none at all where Redis fails."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis
from server_processes import Server
from set_clock import Clock

from app.adapters.caches import redis_cache
from app.adapters.caches.redis_cache import RedisCache
from app.services.single_flight import leased

pytest_plugins = ["live_servers"]

IN_USE = redis_cache._CALL_SECONDS


@pytest.fixture
async def leases(own_redis: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisCache]:
    monkeypatch.setattr(redis_cache, "_CALL_SECONDS", 0.5)
    async with RedisCache(own_redis.address, 60, clock=Clock()) as opened:
        yield opened


async def test_a_lease_has_one_owner_until_it_is_released(leases: RedisCache) -> None:
    assert await leases.take("key", "one", 5)
    assert not await leases.take("key", "other", 5)
    await leases.release("key", "other")
    assert not await leases.take("key", "other", 5)
    await leases.release("key", "one")
    assert await leases.take("key", "other", 5)
    assert leases.failures == 0


async def test_keys_have_leases_of_their_own_beside_their_values(leases: RedisCache) -> None:
    await leases.put("key", b"value")
    assert await leases.take("key", "one", 5)
    assert await leases.take("another", "other", 5)
    assert await leases.get("key") == b"value"


async def test_a_lease_runs_out_unless_it_is_renewed(leases: RedisCache, own_redis: Server) -> None:
    assert await leases.take("key", "one", 0.1)
    assert await leases.renew("key", "one", 60)
    assert not await leases.renew("key", "other", 60)
    async with Redis.from_url(own_redis.address) as other:
        assert await other.pttl("itsupport:key:lease") > 50_000
    assert await leases.renew("key", "one", 0.05)
    await asyncio.sleep(0.1)
    assert not await leases.renew("key", "one", 60)
    assert await leases.take("key", "other", 5)


async def test_a_killed_owner_holds_others_up_until_its_lease_has_run_out(leases: RedisCache) -> None:
    assert await leases.take("key", "killed", 0.3)
    began = time.monotonic()
    async with leased(leases, "key"):
        assert 0.1 < time.monotonic() - began < 2
        assert not await leases.take("key", "third", 5)
    assert await leases.take("key", "third", 5)


@pytest.mark.parametrize("harm", [Server.freeze, Server.kill], ids=["frozen", "killed"])
async def test_where_redis_fails_everybody_works_and_nobody_waits_long(
    leases: RedisCache, own_redis: Server, harm: Callable[[Server], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await leases.take("key", "another", 60)
    monkeypatch.setattr(redis_cache, "_CALL_SECONDS", IN_USE)
    harm(own_redis)
    began = time.monotonic()
    async with leased(leases, "key"):
        pass
    assert time.monotonic() - began < 0.4
    for _ in range(5):
        assert await leases.take("key", "one", 5)
    began = time.monotonic()
    for _ in range(50):
        assert await leases.take("key", "one", 5)
        assert await leases.renew("key", "one", 5)
        await leases.release("key", "one")
    assert time.monotonic() - began < 0.2
    assert leases.openings == 1


async def test_a_lease_of_another_type_counts_as_none(leases: RedisCache, own_redis: Server) -> None:
    async with Redis.from_url(own_redis.address) as other:
        await other.rpush("itsupport:key:lease", "a", "b")
    assert not await leases.take("key", "one", 5)
    assert await leases.renew("key", "one", 5)
    await leases.release("key", "one")
    assert leases.failures == 2


@pytest.mark.parametrize("reply", ["yes", b"\xff", 7, []])
async def test_nonsense_counts_as_no_lease(reply: object, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = RedisCache("redis://127.0.0.1:1", 60)

    async def nonsense(*_arguments: object, **_options: object) -> object:
        return reply

    monkeypatch.setattr(cache._client, "set", nonsense)
    monkeypatch.setattr(cache._client, "eval", nonsense)
    assert await cache.take("key", "one", 5)
    assert await cache.renew("key", "one", 5)
    assert cache.failures == 2
    await cache.close()
