"""What the port ResponseCache promises, asked of every implementation."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest
from server_processes import Server

from app.adapters.caches import redis_cache
from app.adapters.caches.limits import MAX_VALUE_BYTES, lifetime
from app.adapters.caches.memory_cache import MemoryCache
from app.adapters.caches.redis_cache import RedisCache
from app.ports import ResponseCache

pytest_plugins = ["live_servers"]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a busy machine time: how soon Redis is given up is asked elsewhere."""
    monkeypatch.setattr(redis_cache, "_CALL_SECONDS", 2.0)


Open = Callable[[float], ResponseCache]


@pytest.fixture(params=["memory", "redis"])
async def with_ttl(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    """Return how to make a cache with a time to live."""
    opened: list[RedisCache] = []

    def make(ttl_seconds: float) -> ResponseCache:
        if request.param == "memory":
            return MemoryCache(100, ttl_seconds)
        server: Server = request.getfixturevalue("redis_server")
        opened.append(RedisCache(server.address, ttl_seconds, prefix=f"{uuid4()}:"))
        return opened[-1]

    yield make
    for cache in opened:
        await cache.close()


@pytest.fixture
def cache(with_ttl: Open) -> ResponseCache:
    return with_ttl(60)


@pytest.mark.parametrize(
    "value", [b"", b"{}", bytes(range(256)), b"\r\n$-1\r\n"], ids=["empty", "json", "bytes", "resp"]
)
async def test_what_was_put_is_returned(cache: ResponseCache, value: bytes) -> None:
    await cache.put("key", value)
    assert await cache.get("key") == value


async def test_what_was_not_put_is_not_there(cache: ResponseCache) -> None:
    await cache.put("key", b"value")
    assert await cache.get("another") is None


async def test_the_newer_value_takes_the_place_of_the_older(cache: ResponseCache) -> None:
    await cache.put("key", b"older")
    await cache.put("key", b"newer")
    assert await cache.get("key") == b"newer"


async def test_a_value_of_the_largest_size_is_kept_and_no_larger_one(cache: ResponseCache) -> None:
    largest = b"x" * MAX_VALUE_BYTES
    await cache.put("fits", largest)
    await cache.put("does not", largest + b"x")
    assert await cache.get("fits") == largest
    assert await cache.get("does not") is None


@pytest.mark.parametrize("key", ["", "with space", "ключ", "line\r\nfeed", "half a pair: \ud83d", "k" * 5000])
async def test_no_key_does_harm(cache: ResponseCache, key: str) -> None:
    await cache.put("other", b"value")
    await cache.put(key, b"mine")
    assert await cache.get(key) in (b"mine", None)
    assert await cache.get("other") == b"value"


async def test_a_value_expires(with_ttl: Open) -> None:
    cache = with_ttl(0.05)
    await cache.put("key", b"value")
    assert await cache.get("key") == b"value"
    await asyncio.sleep(0.06)
    assert await cache.get("key") is None


async def test_with_no_time_to_live_nothing_is_kept(with_ttl: Open) -> None:
    cache = with_ttl(0)
    await cache.put("key", b"value")
    assert await cache.get("key") is None


async def test_many_calls_at_once_do_not_mix_up_their_values(cache: ResponseCache) -> None:
    keys = [str(number) for number in range(80)]
    await asyncio.gather(*(cache.put(key, key.encode() * 50) for key in keys))
    assert await asyncio.gather(*(cache.get(key) for key in keys)) == [key.encode() * 50 for key in keys]


def test_lifetimes_are_spread_around_the_time_to_live() -> None:
    lifetimes = [lifetime(1000, str(number)) for number in range(1000)]
    assert all(900 <= seconds <= 1100 for seconds in lifetimes)
    assert min(lifetimes) < 910
    assert max(lifetimes) > 1090
    assert lifetime(1000, "7") == lifetimes[7]
