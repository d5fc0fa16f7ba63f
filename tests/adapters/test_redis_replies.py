"""The Redis cache and replies that are wrong, late or nobody's: an empty cache, soon, and told once."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from server_processes import Server
from set_clock import Clock

from app.adapters.caches import redis_cache
from app.adapters.caches.redis_cache import RedisCache
from app.errors import DependencyUnreachable
from tests.loopback_server import listening

pytest_plugins = ["live_servers"]

Reply = Callable[[bytes], bytes]


@asynccontextmanager
async def answering(reply: Reply) -> AsyncIterator[str]:
    """Run a server that gives these bytes for whatever it is sent; no bytes mean that it hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            answer = reply(data)
            if not answer:
                break
            writer.write(answer)
        writer.close()

    async with listening(serve) as port:
        yield f"redis://127.0.0.1:{port}/0"


ERRORS = [
    b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    b"-READONLY You can't write against a read only replica.\r\n",
    b"-LOADING Redis is loading the dataset in memory\r\n",
    b"-NOAUTH Authentication required.\r\n",
    b"-MOVED 3999 127.0.0.1:6381\r\n",
    b"-ERR unknown command\r\n",
]
NONSENSE = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"+OK\r\n",
    b":1\r\n",
    b"$-2\r\n",
    b"$abc\r\n",
    b"$5\r\nvalue\r\n",
    b"$99999999999\r\nx",
    b"$5\r\nval",
    b"*2\r\n+a\r\n+b\r\n",
    b"*1\r\n" * 5000,
    b"*-1\r\n",
    b"$-1\r\n",
    b"\r\n",
    b"\xff\xfe\xfd\r\n",
    b"+OK\r\n$5\r\nvalue\r\n",
    b"",
]


@pytest.mark.parametrize("reply", ERRORS + NONSENSE, ids=lambda reply: repr(reply[:24]))
async def test_whatever_it_answers_nothing_is_returned_and_nothing_raised(
    reply: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with answering(lambda _: reply) as url:
        cache = RedisCache(url, 60, clock=Clock())
        for _ in range(6):
            began = time.monotonic()
            await cache.put("key", b"value")
            assert await cache.get("key") is None
            # Two calls of 50 ms; a busy machine may take its time.
            assert time.monotonic() - began < 5.0
        await cache.close()
    told = [
        (record.getMessage(), vars(record)["operation"]) for record in caplog.records if record.name.startswith("app.")
    ]
    assert len(told) == len(set(told)), "each of reading and writing once"
    assert cache.failures >= 5


async def test_random_bytes_do_no_harm() -> None:
    chance = random.Random(11)  # noqa: S311 nothing secret about it
    signs = b"+-:$*_#,(!=%~>0123456789\r\n\r\n\r\nOKx\x00\xff"

    def noise(_: bytes) -> bytes:
        return bytes(chance.choice(signs) for _ in range(chance.randint(1, 40))) + b"\r\n"

    clock = Clock()
    async with answering(noise) as url:
        cache = RedisCache(url, 60, clock=clock)
        for _ in range(150):
            clock.now += 2.0
            await cache.put("key", b"value")
            assert await cache.get("key") is None
        await cache.close()
    assert cache.failures > 100


@pytest.mark.parametrize("reply", NONSENSE[:6] + ERRORS[-1:], ids=lambda reply: repr(reply[:24]))
async def test_what_is_no_redis_refuses_the_start(reply: bytes) -> None:
    async with answering(lambda _: reply) as url:
        with pytest.raises(DependencyUnreachable):
            await RedisCache(url, 60).open()


async def test_a_call_that_is_given_up_leaves_no_reply_for_the_next(
    own_redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_cache, "_CALL_SECONDS", 2.0)
    delay = 0.0
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", own_redis.port)

        async def replies() -> None:
            while data := await there.read(65536):
                await asyncio.sleep(delay)
                writer.write(data)
            writer.close()

        tasks.add(asyncio.create_task(replies()))
        while data := await reader.read(65536):
            back.write(data)
        back.close()

    async with listening(serve) as port:
        cache = RedisCache(f"redis://127.0.0.1:{port}", 60)
        await cache.put("one", b"1")
        await cache.put("two", b"2")
        for wait in (0.0, 0.001, 0.005, 0.01, 0.015):
            delay = 0.02
            given_up = asyncio.create_task(cache.get("one"))
            await asyncio.sleep(wait)
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            delay = 0.0
            assert await cache.get("two") == b"2"
            await asyncio.sleep(0.03)
            assert await cache.get("two") == b"2"
        assert await asyncio.gather(*(cache.get("two") for _ in range(50))) == [b"2"] * 50
        assert cache.failures == 0
        await cache.close()
        await asyncio.gather(*tasks)
