"""Every status, with every way to ask for patience, slow or quick: bounded calls, bounded time, a named error."""

import asyncio
import itertools
import time
from collections.abc import Sequence

import pytest
from openai_server import TEXT, Act, Ask, Hang, asking, error, honest, reply
from patient import FakeTime, asked

from app.adapters.remote.limits import RemoteLimits
from app.domain import deadline
from app.errors import GenerationFailed, Overloaded

AGAIN = {408, 409, 429, 500, 502, 503, 504}
STATUSES = [201, 204, 302, 400, 401, 403, 404, 413, 422, *sorted(AGAIN)]
DATED = {"date": "Sat, 21 Nov 2026 07:00:00 GMT", "retry_after": "Sat, 21 Nov 2026 07:00:02 GMT"}
WAITS: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"retry_after": "0"}, 0.0),
    ({"retry_after": "1"}, 1.0),
    ({"retry_after": "120"}, 120.0),
    (DATED, 2.0),
    ({"retry_after": "rubbish"}, None),
    ({"retry_after_ms": "700"}, 0.7),
]
BUDGET = 20.0


def always(status: int, delay: float, headers: dict[str, str]) -> list[Act]:
    return [delay, error(status, "no, and here is your key: sk-canary-0123456789", **headers)]


@pytest.mark.parametrize(("status", "delay"), list(itertools.product(STATUSES, [0.0, 0.01])))
@pytest.mark.parametrize(("headers", "wait"), WAITS)
async def test_refused_for_good(status: int, delay: float, headers: dict[str, str], wait: float | None) -> None:
    fake = FakeTime()
    async with asking(lambda _: always(status, delay, headers), timing=fake.timing()) as (generator, server):
        with pytest.raises((GenerationFailed, Overloaded)) as caught:
            await asked(generator, streaming=delay > 0)
        too_long = wait is not None and wait >= BUDGET
        retried = status in AGAIN and not too_long
        # The burst of the retry budget, and not one more.
        assert len(server.asks) == (4 if retried else 1)
        assert sum(fake.slept) <= BUDGET
        assert all(wait is None or pause >= wait for pause in fake.slept)
        assert isinstance(caught.value, Overloaded) == (status == 429 and too_long)
        assert generator.inside == 0
    if isinstance(caught.value, Overloaded):
        assert caught.value.retry_after == 120
    else:
        assert f"status {status}" in str(caught.value)
    assert "canary" not in repr(caught.value.__cause__)


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("status", sorted(AGAIN))
@pytest.mark.parametrize(("headers", "wait"), WAITS)
async def test_refused_once(*, streaming: bool, status: int, headers: dict[str, str], wait: float | None) -> None:
    fake = FakeTime()

    def script(ask: Ask) -> Sequence[Act]:
        return honest(ask) if len(server.asks) > 1 else always(status, 0.0, headers)

    async with asking(script, timing=fake.timing()) as (generator, server):
        if wait == 120:
            with pytest.raises((GenerationFailed, Overloaded)):
                await asked(generator, streaming=streaming)
        else:
            assert (await asked(generator, streaming=streaming)).text == TEXT
            # Half of the first range, on top of what was asked for.
            assert fake.slept == [pytest.approx((wait or 0) + 0.25)]


async def test_the_quota_that_is_used_up_is_not_asked_for_again() -> None:
    async with asking(lambda _: [error(429, code="insufficient_quota", retry_after="120")]) as (generator, server):
        with pytest.raises(GenerationFailed, match="insufficient_quota"):
            await asked(generator, streaming=False)
        assert len(server.asks) == 1


async def test_back_off_grows_and_stays_within_the_time() -> None:
    fake = FakeTime(chance=1.0)
    limits = RemoteLimits(timeout_seconds=8.0, retry_burst=100)
    async with asking(lambda _: [error(503)], limits, fake.timing()) as (generator, server):
        with pytest.raises(GenerationFailed, match="status 503"):
            await asked(generator, streaming=False)
        # Another 8 seconds would be too many.
        assert fake.slept == [0.5, 1, 2, 4]
        assert len(server.asks) == 5


async def test_a_tenth_of_the_calls_are_retries_at_most() -> None:
    fake = FakeTime()

    def script(ask: Ask) -> Sequence[Act]:
        return honest(ask) if len(server.asks) % 2 == 0 else [error(500)]

    async with asking(script, timing=fake.timing()) as (generator, server):
        for _ in range(200):
            try:
                await asked(generator, streaming=False)
            except GenerationFailed:
                continue
        assert 200 < len(server.asks) <= 200 * 1.1 + 3


async def test_a_request_that_ends_sooner_is_not_outlived() -> None:
    limits = RemoteLimits(retry_burst=100)
    async with asking(lambda _: [0.05, error(503)], limits) as (generator, server):
        begun = time.monotonic()
        with deadline.within(1.0), pytest.raises(GenerationFailed):
            await asked(generator, streaming=True)
        assert time.monotonic() - begun < 1.5
        calls = len(server.asks)
        with deadline.within(0), pytest.raises((GenerationFailed, Overloaded)):
            await asked(generator, streaming=True)
        assert len(server.asks) == calls


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_server_that_says_nothing_is_left_in_time(*, streaming: bool) -> None:
    async with asking(lambda _: [Hang], RemoteLimits(timeout_seconds=0.15)) as (generator, server):
        begun = time.monotonic()
        with pytest.raises(GenerationFailed, match="no answer in time"):
            await asked(generator, streaming=streaming)
        assert 0.1 < time.monotonic() - begun < 1
        assert len(server.asks) == 1


async def test_a_server_that_is_gone_is_tried_again_and_then_left_alone() -> None:
    fake = FakeTime()
    async with asking(timing=fake.timing()) as (generator, server):
        pass
    assert server.asks == []
    async with asking(timing=fake.timing()) as (generator, server):
        server.script = lambda _: [error(503)]
        for _ in range(3):
            with pytest.raises(GenerationFailed):
                await asked(generator, streaming=False)
        # Four attempts of the first call, one of the second: that was five in a row.
        assert len(server.asks) == 5
        with pytest.raises(GenerationFailed, match="not asked"):
            await asked(generator, streaming=False)
        server.script = honest
        fake.now += 2
        assert (await asked(generator, streaming=False)).text == TEXT
        assert (await asked(generator, streaming=True)).text == TEXT


async def test_what_is_wrong_with_a_request_is_not_held_against_the_server() -> None:
    async with asking(lambda _: [error(400, code="context_length_exceeded")]) as (generator, server):
        for _ in range(8):
            with pytest.raises(GenerationFailed, match="context_length_exceeded"):
                await asked(generator, streaming=False)
        assert len(server.asks) == 8
        server.script = lambda _: [error(401, code="sk-canary-0123456789")]
        for _ in range(8):
            with pytest.raises(GenerationFailed):
                await asked(generator, streaming=False)
        assert len(server.asks) == 13


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"error": "no"}', b'{"error": {"message": 3}}', b"x" * 70_000])
async def test_a_refusal_need_not_be_json(body: bytes) -> None:
    async with asking(lambda _: [reply(404, body, "text/html")]) as (generator, _):
        with pytest.raises(GenerationFailed, match=r"status 404$"):
            await asked(generator, streaming=False)


async def test_calls_beyond_the_places_wait_and_beyond_the_queue_are_refused() -> None:
    limits = RemoteLimits(concurrency=2, waiting=3, timeout_seconds=5)
    async with asking(lambda ask: [0.05, *honest(ask)], limits) as (generator, server):
        calls = [asyncio.create_task(asked(generator, streaming=False)) for _ in range(9)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
        assert len(refused) == 4
        assert len(server.asks) == 5
        assert server.opened <= 2
        assert generator.inside == 0


async def test_waiting_ends_with_the_time_there_is() -> None:
    limits = RemoteLimits(concurrency=1, waiting=3, timeout_seconds=0.2)
    async with asking(lambda _: [Hang], limits) as (generator, server):
        first = asyncio.create_task(asked(generator, streaming=False))
        await asyncio.sleep(0.02)
        with deadline.within(0.1), pytest.raises(Overloaded):
            await asked(generator, streaming=False)
        with pytest.raises(GenerationFailed):
            await first
        assert len(server.asks) == 1
