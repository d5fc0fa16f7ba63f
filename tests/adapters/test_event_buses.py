"""The event buses: one suite over memory and a real Redis, then what each does when it is full, or Redis fails."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis
from server_processes import Server
from set_clock import Clock

from app.adapters.bus import listening, redis_bus, wire, writing
from app.adapters.bus.memory_bus import MemoryBus
from app.adapters.bus.redis_bus import RedisBus
from app.domain.live import LiveEvent, in_order
from app.errors import DependencyUnreachable, SettingsInvalid
from app.ports.live import EventBus

pytest_plugins = ["live_servers"]


def told(sequence: int, name: str = "message", *, attempt: int = 1, run: str = "run") -> LiveEvent:
    return LiveEvent(run, "id", attempt, sequence, name, '{"n":"ü"}')


async def soon(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


@pytest.fixture(params=["memory", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[EventBus]:
    if request.param == "memory":
        yield MemoryBus()
        return
    async with RedisBus(request.getfixturevalue("redis_server").address, prefix=f"t{time.monotonic_ns()}:") as opened:
        yield opened


async def test_what_is_told_is_heard_at_once_and_read_later(bus: EventBus) -> None:
    heard: list[LiveEvent] = []
    leave = await bus.subscribe("channel", lambda event: heard.append(event) if event else None)
    events = [told(1), told(2), told(3, "final_answer")]
    for event in events:
        await bus.append("channel", event)
    await bus.tell("channel", told(0, "cancel"))
    await bus.append("another", told(1, run="other"))
    assert heard == [*events, told(0, "cancel")]
    assert await bus.read("run", 0) == tuple(events)
    assert await bus.read("run", 2) == (events[2],)
    assert await bus.read("unknown", 0) == ()
    assert await bus.audience("channel") == 0
    leave()
    leave()
    await bus.append("channel", told(4))
    assert len(heard) == 4


def test_events_of_an_attempt_that_was_given_up_are_left_out() -> None:
    events = [told(1), told(2), told(3, attempt=2), told(3), told(4), told(4, attempt=2), told(5)]
    assert [(event.attempt, event.sequence) for event in in_order(events)] == [(1, 1), (1, 2), (2, 3), (2, 4)]
    assert in_order(events, 3) == (told(4, attempt=2),)


async def test_memory_forgets_what_is_old_and_what_is_too_much() -> None:
    clock = Clock()
    bus = MemoryBus(kept_seconds=120, most_bytes=1000, clock=clock)
    await bus.append("channel", told(1))
    clock.now += 121
    assert await bus.read("run", 0) == ()
    assert bus.size == 0
    for number in range(5):
        await bus.append("channel", told(1, run=f"r{number}"))
    assert await bus.read("r0", 0) == ()
    assert await bus.read("r4", 0)
    assert bus.size <= 1000


NO_EVENTS = (b"", b"[]", b"{}", b'{"from":1}', b"\xff", wire.dump(told(1)).replace('"seq":1', '"seq":"1"'))


@pytest.mark.parametrize("raw", NO_EVENTS)
def test_what_is_no_event_is_refused(raw: bytes | str) -> None:
    with pytest.raises(ValueError, match=r"no event|Expecting value|codec"):
        wire.load(raw)


async def test_instances_hear_and_read_one_another_and_count_who_listens(redis_server: Server) -> None:
    async with RedisBus(redis_server.address) as one, RedisBus(redis_server.address) as two:
        await soon(lambda: one._listening._pubsub is not None and two._listening._pubsub is not None)
        heard: list[LiveEvent | None] = []
        leave = await two.subscribe("c", heard.append)
        mine = await one.subscribe("c", lambda _event: None)
        assert await one.audience("c") == 1
        await one.append("c", told(1, run="joint"))
        await one.append("c", told(2, "final_answer", run="joint"))
        await soon(lambda: len([event for event in heard if event]) == 2)
        assert [event.sequence for event in await two.read("joint", 0)] == [1, 2]
        # What the other one tells of an attempt that was given up is nowhere.
        await two.append("c", told(3, "restart", attempt=2, run="joint"))
        await two.append("c", told(4, "final_answer", attempt=2, run="joint"))
        await one.append("c", told(5, "final_answer", run="joint"))
        assert [event.attempt for event in await two.read("joint", 2)] == [2, 2]
        assert one._writer.dropped == 0
        leave()
        mine()
        async with Redis.from_url(redis_server.address) as client:
            assert 0 < await client.pttl("itsupport:live:joint") <= 180_000
        for _ in range(100):
            if not await one.audience("c"):
                break
            await asyncio.sleep(0.02)
        assert await one.audience("c") == 0


async def test_garbage_in_redis_is_left_out(redis_server: Server) -> None:
    async with RedisBus(redis_server.address, prefix="g:") as bus:
        await soon(lambda: bus._listening._pubsub is not None)
        heard: list[LiveEvent | None] = []
        await bus.subscribe("c", heard.append)
        heard.clear()
        async with Redis.from_url(redis_server.address) as client:
            await client.xadd("g:run", {"event": "nonsense"})
            await client.set("g:wrong", "a text")
            await client.publish("g:channel:c", "nonsense")
        assert await bus.read("run", 0) == ()
        assert await bus.read("wrong", 0) == ()
        await bus.append("c", told(1, "final_answer", run="wrong"))
        assert bus._writer.dropped == 1
        assert [event for event in heard if event] == [told(1, "final_answer", run="wrong")]


async def test_where_redis_fails_this_process_goes_on_and_hears_again_afterwards(
    own_redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(listening, "_CONFIRM_SECONDS", 0.1)
    monkeypatch.setattr(writing, "_BATCH_SECONDS", 0.1)
    monkeypatch.setattr(writing, "_FLUSH_SECONDS", 0.1)
    monkeypatch.setattr(redis_bus, "_CALL_SECONDS", 0.1)
    clock = Clock()
    async with RedisBus(own_redis.address, clock=clock) as one, RedisBus(own_redis.address) as two:
        await soon(lambda: one._listening._pubsub is not None and two._listening._pubsub is not None)
        heard: list[LiveEvent | None] = []
        await two.subscribe("c", heard.append)
        own_redis.freeze()
        began = time.monotonic()
        for number in range(30):
            await one.append("c", told(number + 1, "final_answer"))
            assert len(await one.read("run", number)) == 1
            (await one.subscribe(f"d{number}", lambda _event: None))()
            assert await one.audience("c") == 0
        assert time.monotonic() - began < 4
        assert one._writer.dropped
        own_redis.thaw()
        own_redis.kill()
        assert len(await one.read("run", 0)) == 30
        await soon(lambda: two._listening._pubsub is None)
        heard.clear()
        own_redis.start()
        await soon(lambda: None in heard)
        clock.now += 3
        await one.append("c", told(1, "final_answer", run="new"))
        await soon(lambda: told(1, "final_answer", run="new") in heard)


async def test_a_silent_connection_is_made_anew(redis_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_PING_SECONDS", 0.02)
    monkeypatch.setattr(listening, "_AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(listening, "_MOST_SILENT", 1)
    async with RedisBus(redis_server.address) as bus:
        await soon(lambda: bus._listening._pubsub is not None)
        first = bus._listening._pubsub
        await soon(lambda: bus._listening._pubsub not in {None, first})


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "redis://user:wrong@127.0.0.1:1"])
async def test_a_redis_that_is_not_there_is_named(url: str) -> None:
    with pytest.raises(DependencyUnreachable, match="REDIS_URL"):
        await RedisBus(url).__aenter__()


def test_what_is_no_url_is_refused_without_its_text() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        RedisBus("http://secret@host")
    assert "secret" not in str(refused.value)
