"""The Redis cache on a real server that is frozen, killed, full or wrongly named: never slow, never wrong."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis
from server_processes import Server
from set_clock import Clock

from app.adapters.caches import redis_cache
from app.adapters.caches.limits import MAX_VALUE_BYTES
from app.adapters.caches.redis_cache import RedisCache
from app.errors import DependencyUnreachable, SettingsInvalid

pytest_plugins = ["live_servers"]

IN_USE = redis_cache._CALL_SECONDS
GIVEN_UP = "cache given up for a while"
BACK = "cache in use again"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def cache(own_redis: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisCache]:
    # More than in use, for a busy machine; where the time matters, a test sets it back.
    monkeypatch.setattr(redis_cache, "_CALL_SECONDS", 0.25)
    async with RedisCache(own_redis.address, 60, clock=clock) as opened:
        yield opened


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[str, str]]]:
    """Return what was logged so far: which message, about reading or writing."""
    caplog.set_level(logging.INFO, logger="app")
    return lambda: [(record.getMessage(), vars(record)["operation"]) for record in caplog.records]


async def test_values_expire_on_the_server_too(cache: RedisCache, own_redis: Server) -> None:
    await cache.put("key", b"value")
    async with Redis.from_url(own_redis.address) as other:
        assert await other.keys() == [b"itsupport:key"]
        assert 54_000 - 1000 < await other.pttl("itsupport:key") <= 66_000


async def test_a_frozen_redis_is_waited_for_five_times_and_then_not_at_all(
    cache: RedisCache,
    own_redis: Server,
    told: Callable[[], list[tuple[str, str]]],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await cache.put("key", b"value")
    own_redis.freeze()
    monkeypatch.setattr(redis_cache, "_CALL_SECONDS", IN_USE)
    for _ in range(5):
        began = time.monotonic()
        assert await cache.get("key") is None
        assert time.monotonic() - began < 0.15
    began = time.monotonic()
    for _ in range(100):
        assert await cache.get("key") is None
    assert time.monotonic() - began < 0.1
    assert (cache.failures, cache.openings) == (5, 1)
    assert told() == [(GIVEN_UP, "get")]
    clock.now = 2.0
    assert await cache.get("key") is None
    assert (cache.failures, cache.openings) == (6, 1)
    own_redis.thaw()
    monkeypatch.setattr(redis_cache, "_CALL_SECONDS", 0.25)
    clock.now = 4.0
    assert await cache.get("key") == b"value"
    assert told() == [(GIVEN_UP, "get"), (BACK, "get")]


async def test_a_redis_that_died_is_used_again_when_it_is_back(
    cache: RedisCache, own_redis: Server, clock: Clock
) -> None:
    await cache.put("key", b"value")
    for _ in range(3):
        own_redis.kill()
        for _ in range(6):
            await cache.put("key", b"value")
            assert await cache.get("key") is None
        own_redis.start()
        clock.now += 2.0
        assert await cache.get("key") is None, "a new one is empty"
        await cache.put("key", b"value")
        assert await cache.get("key") == b"value"


async def test_a_full_redis_still_serves_what_it_holds(
    cache: RedisCache, own_redis: Server, told: Callable[[], list[tuple[str, str]]]
) -> None:
    await cache.put("key", b"value")
    async with Redis.from_url(own_redis.address) as other:
        await other.config_set("maxmemory", 1)
    for _ in range(10):
        await cache.put("another", b"value")
        assert await cache.get("key") == b"value"
        assert await cache.get("another") is None
    assert (cache.failures, cache.openings) == (5, 1)
    assert told() == [(GIVEN_UP, "put")]


async def test_what_others_put_under_our_keys_is_not_returned(cache: RedisCache, own_redis: Server) -> None:
    await cache.put("key", b"value")
    async with Redis.from_url(own_redis.address) as other:
        mine = await other.get("itsupport:key")
        assert isinstance(mine, bytes)
        for foreign in (b"x", b"x" * 100, mine[:-1], mine + b"x", b"x" * (MAX_VALUE_BYTES + 1000)):
            await other.set("itsupport:key", foreign)
            assert await cache.get("key") is None
        await other.set("itsupport:another", mine)
        assert await cache.get("another") is None
        await other.delete("itsupport:key")
        await other.lpush("itsupport:key", "a list")
        assert await cache.get("key") is None


async def test_a_probe_that_is_given_up_does_not_keep_redis_from_being_used(
    cache: RedisCache, own_redis: Server, clock: Clock
) -> None:
    await cache.put("key", b"value")
    own_redis.freeze()
    for _ in range(5):
        await cache.get("key")
    clock.now = 2.0
    probe = asyncio.create_task(cache.get("key"))
    await asyncio.sleep(0.01)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    own_redis.thaw()
    assert await cache.get("key") == b"value"


async def test_more_calls_than_connections_are_all_answered(cache: RedisCache) -> None:
    await cache.put("key", b"value")
    assert await asyncio.gather(*(cache.get("key") for _ in range(200))) == [b"value"] * 200


async def test_with_no_free_connection_nothing_is_returned_and_redis_not_blamed(cache: RedisCache) -> None:
    await cache.put("key", b"value")
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(16):
            await stack.enter_async_context(cache._connections)
        began = time.monotonic()
        assert await cache.get("key") is None
        assert time.monotonic() - began < 0.5
    assert cache.failures == 0
    assert await cache.get("key") == b"value"


async def test_connections_that_cannot_be_closed_in_order_stop_nobody(
    cache: RedisCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: Redis, **_: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(Redis, "aclose", fail)
        await cache.close()
    await cache.put("key", b"value")
    assert await cache.get("key") == b"value"


@pytest.mark.parametrize("url", ["hunter2", "http://ann:hunter2@host/", "redis://ann:x@host:hunter2/"])
def test_what_is_no_url_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        RedisCache(url, 60)
    assert refused.value.variable == "REDIS_URL"
    assert "hunter2" not in f"{refused.value} {refused.value.remedy} {refused.value.__cause__}"


async def test_a_redis_that_does_not_answer_refuses_the_start(own_redis: Server) -> None:
    own_redis.freeze()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"redis://ann:hunter2@127.0.0.1:{closed.getsockname()[1]}/0"
        began = time.monotonic()
        caches = [RedisCache(url, 60) for url in (nobody, own_redis.address)]
        results = await asyncio.gather(*(cache.open() for cache in caches), return_exceptions=True)
        assert time.monotonic() - began < 3.5
    for result in results:
        assert isinstance(result, DependencyUnreachable)
        assert result.variable == "REDIS_URL"
        assert "hunter2" not in f"{result} {result.__cause__}"


async def test_wrong_credentials_refuse_the_start(own_redis: Server) -> None:
    async with Redis.from_url(own_redis.address) as other:
        await other.config_set("requirepass", "the right one")
    for url in (own_redis.address, own_redis.address.replace("://", "://:hunter2@")):
        with pytest.raises(DependencyUnreachable, match="credentials") as refused:
            await RedisCache(url, 60).open()
        assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"
