"""What the MongoDB store does while its server is frozen, dead, or loses what it says."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from server_processes import Server

from app.adapters.stores.mongo_store import MongoStore
from app.domain.conversations import Role, Turn
from app.errors import StoreFailed

pytest_plugins = ["live_servers"]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def turn(message_id: str, content: str = "My VPN drops") -> Turn:
    return Turn(message_id, Role.USER, content, NOON)


@pytest.mark.parametrize("fault", ["freeze", "kill"])
async def test_a_server_that_goes_away_fails_every_call_in_time(own_mongo: Server, fault: str) -> None:
    async with MongoStore(own_mongo.address) as store:
        await store.append("ann", "c", (turn("1"),))
        getattr(own_mongo, fault)()
        # More calls than Motor has threads: those who wait for a thread are not to wait longer.
        calls: list[Awaitable[object]] = [store.ping(), store.append("ann", "c", (turn("2"),))]
        calls += [store.history("ann", "c", 5) for _ in range(30)]
        began = time.monotonic()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert time.monotonic() - began < 1.5
        assert all(isinstance(result, StoreFailed) for result in results)


async def test_a_server_that_comes_back_is_used_again(own_mongo: Server) -> None:
    async with MongoStore(own_mongo.address) as store:
        await store.append("ann", "c", (turn("1"),))
        own_mongo.freeze()
        with pytest.raises(StoreFailed):
            await store.history("ann", "c", 5)
        own_mongo.thaw()
        assert await store.history("ann", "c", 5) == (turn("1"),)


Drop = Callable[[], None]


@asynccontextmanager
async def losing_replies(server: Server) -> AsyncIterator[tuple[str, Drop]]:
    """Stand between a client and a server; after `drop` every reply is lost and its connection cut."""
    dropping = False
    tasks: set[asyncio.Task[None]] = set()

    def drop() -> None:
        nonlocal dropping
        dropping = True

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool) -> None:
        while data := await reader.read(65536):
            if replies and dropping:
                break
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", server.port)
        pair = (copy(reader, back, replies=False), copy(there, writer, replies=True))
        tasks.update(asyncio.create_task(one) for one in pair)

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with proxy:
        yield f"mongodb://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/?directConnection=true", drop
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_write_whose_acknowledgement_was_lost_may_be_made_again(own_mongo: Server) -> None:
    async with losing_replies(own_mongo) as (uri, drop):
        async with MongoStore(uri) as store:
            await store.append("ann", "c", (turn("1"),))
            drop()
            with pytest.raises(StoreFailed):
                await store.append("ann", "c", (turn("2"),))
        async with MongoStore(own_mongo.address) as store:
            assert await store.history("ann", "c", 5) == (turn("1"), turn("2")), "the server had applied it"
            await store.append("ann", "c", (turn("2"),))
            assert await store.history("ann", "c", 5) == (turn("1"), turn("2"))
