"""Callers who leave: their connection, their place and their tasks go with them."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from openai_server import (
    STREAM_HEAD,
    TEXT,
    Act,
    Ask,
    Cut,
    End,
    Hang,
    Server,
    asking,
    chunked,
    events,
    honest,
    stream,
    whole,
)
from patient import PROMPT, FakeTime, asked

from app.adapters.remote.limits import RemoteLimits
from app.adapters.remote.openai_generator import OpenAiGenerator

FEW = RemoteLimits(concurrency=8, waiting=400, timeout_seconds=30, retry_burst=1_000)


async def quiet(generator: OpenAiGenerator, server: Server, busy: int = 0) -> None:
    """Wait until nothing is left of any call, within a second; connections may be kept for the next."""
    async with asyncio.timeout(1):
        while generator.inside > 0 or len(asyncio.all_tasks()) - 1 - len(server.connections) > busy:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    pool = generator._caller.client._transport._pool  # type: ignore[attr-defined]
    assert all(connection.is_idle() for connection in pool.connections)
    assert len(pool.connections) <= FEW.concurrency


async def leave(generator: OpenAiGenerator, chance: random.Random) -> None:
    """Ask in one of the ways, and go away at some moment."""
    if chance.random() < 0.5:
        task = asyncio.create_task(asked(generator, streaming=chance.random() < 0.5))
        await asyncio.sleep(chance.random() * 0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return
    pieces = generator.stream(PROMPT, max_tokens=50)
    for _ in range(chance.randrange(4)):
        await anext(pieces, None)
    await pieces.aclose()


@pytest.mark.parametrize("slow", [False, True])
async def test_200_leave_at_any_moment(*, slow: bool) -> None:
    chance = random.Random(11)  # noqa: S311

    def script(ask: Ask) -> Sequence[Act]:
        parts = [chunked(part) for part in events(TEXT)] if ask.streaming else [whole(TEXT)]
        head = [STREAM_HEAD] if ask.streaming else []
        acts = [act for part in head + parts for act in (chance.random() * 0.01 if slow else 0.0, part)]
        return [*acts, b"0\r\n\r\n"] if ask.streaming else acts

    async with asking(script, FEW) as (generator, server):
        await asyncio.gather(*(leave(generator, chance) for _ in range(200)))
        await quiet(generator, server)
        server.script = honest
        assert (await asked(generator, streaming=True)).text == TEXT
        assert generator._caller._gate._places._value == FEW.concurrency


async def test_the_server_sees_a_caller_leave_at_once() -> None:
    head = STREAM_HEAD + chunked(events(TEXT)[1])
    async with asking(lambda ask: [head, Hang] if ask.streaming else [Hang], FEW) as (generator, server):
        pieces = generator.stream(PROMPT, max_tokens=50)
        await anext(pieces)
        waiting = asyncio.create_task(asked(generator, streaming=False))
        while len(server.asks) < 2:  # noqa: ASYNC110 - the other side of a socket
            await asyncio.sleep(0.005)
        await pieces.aclose()
        waiting.cancel()
        async with asyncio.timeout(0.5):
            while server.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await asyncio.gather(waiting, return_exceptions=True)
        await quiet(generator, server)


async def test_leaving_while_pausing_between_two_attempts() -> None:
    refusal = b"HTTP/1.1 503 No\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n"
    async with asking(lambda _: [refusal], FEW) as (generator, server):
        task = asyncio.create_task(asked(generator, streaming=True))
        await asyncio.sleep(0.1)
        assert generator.inside == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await quiet(generator, server)
        assert len(server.asks) == 1


async def test_a_probe_given_up_is_followed_by_another() -> None:
    async with asking(lambda _: [b"rubbish\r\n\r\n"], RemoteLimits(retry_burst=0)) as (generator, server):
        for _ in range(5):
            await asyncio.gather(asked(generator, streaming=False), return_exceptions=True)
        breaker = generator._caller._breaker
        breaker._retry_at = 0.0
        server.script = lambda _: [Hang]
        probing = asyncio.create_task(asked(generator, streaming=False))
        await asyncio.sleep(0.05)
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)
        server.script = lambda _: [stream(events(TEXT))]
        # Reading a part is enough to know that it works again.
        pieces = generator.stream(PROMPT, max_tokens=50)
        await anext(pieces)
        await pieces.aclose()
        assert None not in (breaker.admit(), breaker.admit())
        server.script = honest
        assert (await asked(generator, streaming=False)).text == TEXT


async def test_many_at_once_use_few_connections() -> None:
    async with asking(limits=FEW) as (generator, server):
        ways = [asked(generator, streaming=number % 2 == 0) for number in range(100)]
        assert {written.text for written in await asyncio.gather(*ways)} == {TEXT}
        assert server.opened <= FEW.concurrency
        await quiet(generator, server)


@pytest.mark.parametrize("end", [Cut, End])
async def test_a_connection_the_server_closed_is_replaced(end: type[Cut | End]) -> None:
    fake = FakeTime()
    async with asking(lambda ask: [*honest(ask), 0.001, end], FEW, fake.timing()) as (generator, server):
        for number in range(20):
            assert (await asked(generator, streaming=number % 2 == 0)).text == TEXT
            await asyncio.sleep(0.002)
        assert server.opened >= 20
        await quiet(generator, server)
