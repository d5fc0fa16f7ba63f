"""What the MongoDB store does while its server is frozen, dead, slow or silent, or loses what it says."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from fault_proxy import FaultProxy, Faults, proxied
from server_processes import Server
from store_builders import NOON

from app.adapters.stores.mongo_store import MongoStore
from app.domain.conversations import Role, Turn
from app.errors import ConversationFull, NotFound, StoreFailed

pytest_plugins = ["live_servers"]

SLOW = pytest.mark.slow
PASSING: dict[str, Faults] = {
    "slow": Faults(latency=2.0),
    "half-open": Faults(blackhole=True),
    "refusing": Faults(refuse=True),
    "garbage": Faults(garble=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
}


@dataclass
class Place:
    """A server, the proxy in front of it, and a store that goes through the proxy."""

    server: Server
    proxy: FaultProxy
    store: MongoStore

    def hurt(self, fault: str) -> None:
        if fault == "frozen":
            self.server.freeze()
        elif fault == "killed":
            self.server.kill()
            self.proxy.reset_all()
        else:
            self.proxy.faults = PASSING[fault]
            if fault == "refusing":
                self.proxy.reset_all()

    def heal(self, fault: str) -> None:
        self.proxy.heal()
        if fault == "frozen":
            self.server.thaw()
        elif fault == "killed":
            self.server.start()


@asynccontextmanager
async def standing(server: Server, seconds: float = 1.0) -> AsyncIterator[Place]:
    """Open a store on a new database of a server, whose requests take so long at most; it holds one turn."""
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(proxied(server.port))
        uri = f"mongodb://127.0.0.1:{proxy.port}/t{uuid4().hex}?directConnection=true"
        store = await stack.enter_async_context(MongoStore(uri, request_seconds=seconds))
        await store.append("ann", "c", (turn("1"),))
        yield Place(server, proxy, store)


@pytest.fixture
async def place(mongo_server: Server) -> AsyncIterator[Place]:
    async with standing(mongo_server) as made:
        yield made


@pytest.fixture
async def hasty_place(mongo_server: Server) -> AsyncIterator[Place]:
    async with standing(mongo_server, 0.5) as made:
        yield made


@pytest.fixture
async def own_place(own_mongo: Server) -> AsyncIterator[Place]:
    async with standing(own_mongo) as made:
        yield made


def turn(message_id: str, content: str = "My VPN drops") -> Turn:
    return Turn(message_id, Role.USER, content, NOON)


async def ended(*calls: Awaitable[object]) -> tuple[float, list[Any]]:
    """Return how long calls took together, in seconds, and how each ended."""
    began = time.monotonic()
    results = await asyncio.gather(*calls, return_exceptions=True)
    return time.monotonic() - began, results


@pytest.mark.parametrize("fault", ["frozen", "killed"])
async def test_an_outage_of_the_server_is_short_for_callers(own_place: Place, fault: str) -> None:
    await is_short_for_callers(own_place, fault)


@pytest.mark.parametrize(
    "fault", ["slow", "half-open", *(pytest.param(one, marks=SLOW) for one in ("refusing", "garbage"))]
)
async def test_an_outage_of_the_network_is_short_for_callers(place: Place, fault: str) -> None:
    await is_short_for_callers(place, fault)


async def is_short_for_callers(place: Place, fault: str) -> None:
    """See that no call waits long, that then none waits, and that all is well within 5 s of the outage's end."""
    store = place.store
    place.hurt(fault)
    # More calls than Motor has threads: those who wait for a thread are not to wait longer.
    calls: list[Awaitable[object]] = [store.history("ann", "c", 5) for _ in range(30)]
    seconds, results = await ended(store.append("ann", "c", (turn("2"),)), store.ping(), *calls)
    assert seconds < 1.6
    assert all(isinstance(result, StoreFailed) for result in results)
    assert store.outages == 1
    seconds, results = await ended(*(store.history("ann", "c", 5) for _ in range(100)))
    assert seconds < 0.2
    assert all(isinstance(result, StoreFailed) for result in results)
    place.heal(fault)
    assert await recovered(store) < 5.0
    await store.append("ann", "c", (turn("2"),))
    assert await store.history("ann", "c", 5) == (turn("1"), turn("2"))
    assert store.outages == 1


async def recovered(store: MongoStore) -> float:
    """Return after how many seconds a store that is asked again and again answers."""
    began = time.monotonic()
    while time.monotonic() - began < 10.0:
        try:
            await store.history("ann", "c", 5)
        except StoreFailed:
            await asyncio.sleep(0.05)
        else:
            break
    return time.monotonic() - began


@SLOW
async def test_a_long_outage_ends_as_soon_as_a_short_one(place: Place) -> None:
    place.hurt("half-open")
    until = time.monotonic() + 20.0
    while time.monotonic() < until:
        with pytest.raises(StoreFailed):
            await place.store.ping()
        await asyncio.sleep(0.05)
    place.heal("half-open")
    assert await recovered(place.store) < 5.0
    assert place.store.outages == 1


async def test_a_write_whose_acknowledgement_was_lost_may_be_made_again(hasty_place: Place) -> None:
    store, proxy = hasty_place.store, hasty_place.proxy
    proxy.faults = Faults(lose_replies=True)
    with pytest.raises(StoreFailed):
        await store.append("ann", "c", (turn("2"), turn("3")))
    assert proxy.lost > 0
    proxy.heal()
    assert await recovered(store) < 5.0
    kept = await store.history("ann", "c", 9)
    assert kept == (turn("1"), turn("2"), turn("3")), "the server had applied it"
    await store.append("ann", "c", (turn("2"), turn("3")))
    assert await store.history("ann", "c", 9) == kept


@pytest.mark.parametrize("through", [0, 16, 60, *(pytest.param(one, marks=SLOW) for one in (1, 15, 17, 30, 100, 150))])
async def test_a_reply_that_ends_early_loses_and_doubles_nothing(hasty_place: Place, through: int) -> None:
    place = hasty_place
    place.proxy.faults = Faults(cut_after=through)
    for _ in range(2):
        with pytest.raises(StoreFailed):
            await place.store.append("ann", "c", (turn("2"),))
    place.proxy.heal()
    assert await recovered(place.store) < 5.0
    await place.store.append("ann", "c", (turn("2"),))
    assert await place.store.history("ann", "c", 9) == (turn("1"), turn("2"))


async def test_connections_that_are_reset_between_calls_are_made_anew(place: Place) -> None:
    for number in range(2, 8):
        place.proxy.reset_all()
        await place.store.append("ann", "c", (turn(str(number)),))
    assert len(await place.store.history("ann", "c", 9)) == 7


async def test_what_a_caller_sends_is_no_outage(mongo_uri: str) -> None:
    async with MongoStore(mongo_uri, most_turns=1) as store:
        for _ in range(20):
            with pytest.raises(StoreFailed):
                await store.append("ann", "c", (turn("1", "half a pair: \ud83d"),))
            with pytest.raises(StoreFailed):
                await store.overview("ann\udc00", "c")
            with pytest.raises(NotFound):
                await store.history("ann", "c", 5)
            with pytest.raises(ConversationFull):
                await store.append("ann", "c", (turn("1"), turn("2")))
        await store.append("ann", "c", (turn("1"),))
        assert store.outages == 0


async def test_callers_who_leave_hurt_nobody(place: Place) -> None:
    async def leave(after: float) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(after):
                await place.store.history("ann", "c", 5)

    place.proxy.faults = Faults(latency=0.3)
    await asyncio.gather(*(leave(0.01 * number) for number in range(1, 20)))
    place.proxy.heal()
    assert await place.store.history("ann", "c", 5) == (turn("1"),)
    assert place.store.outages == 0
