"""Answers that break off, run on, or are something else: an error or the whole text, never a part taken for it."""

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from openai_server import (
    DONE,
    LAST_CHUNK,
    STREAM_HEAD,
    TEXT,
    Act,
    Cut,
    End,
    Hang,
    Script,
    asking,
    chunked,
    event,
    events,
    reply,
    stream,
    whole,
)
from patient import PROMPT, asked, gathered, spread

from app.adapters.remote.limits import RemoteLimits
from app.domain.models import Generation
from app.errors import GenerationFailed

QUICK = RemoteLimits(timeout_seconds=0.6, idle_seconds=0.1, retry_burst=0, context_tokens=100_000)
CLOSED_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
FINISHED = b'"finish_reason": "stop"}]}\n\n'


def sending(*acts: Act) -> Script:
    """Answer everything with the same bytes."""
    return lambda _: acts


@pytest.mark.parametrize("end", [Cut, End])
@pytest.mark.parametrize("streaming", [False, True])
async def test_cut_anywhere(*, streaming: bool, end: type[Cut | End]) -> None:
    wire = stream(events(TEXT)) if streaming else whole(TEXT)
    complete = wire.index(FINISHED) + len(FINISHED) if streaming else len(wire)
    cuts = range(0, len(wire), 7)
    kept = 0
    for cut in cuts:
        # A new one each time: five failures in a row would close the way.
        async with asking(sending(wire[:cut], 0.0, end), QUICK) as (generator, server):
            try:
                written = await asked(generator, streaming=streaming)
            except GenerationFailed:
                assert cut < complete + 10
            else:
                kept += 1
                assert cut >= complete
                assert written.text == TEXT
            assert generator.inside == 0
            assert len(server.asks) == 1
    assert kept or not streaming


async def test_cut_in_a_body_that_ends_with_its_connection() -> None:
    parts = events(TEXT)
    for count in range(len(parts) + 1):
        wire = CLOSED_HEAD + b"".join(parts[:count])
        async with asking(sending(wire, End), QUICK) as (generator, _):
            if count < len(parts) - 2:
                with pytest.raises(GenerationFailed, match="broke off"):
                    await asked(generator, streaming=True)
            else:
                assert (await asked(generator, streaming=True)).text == TEXT


@pytest.mark.parametrize("missing", ["done", "usage and done", "the end of the stream"])
async def test_a_text_that_is_complete_needs_no_epilogue(missing: str) -> None:
    parts = events(TEXT)
    kept = {"done": parts[:-1], "usage and done": parts[:-2], "the end of the stream": parts}[missing]
    wire = STREAM_HEAD + b"".join(chunked(part) for part in kept)
    async with asking(lambda _: [wire, Hang], QUICK) as (generator, _):
        written = await asked(generator, streaming=True)
        bill = 11 if missing != "usage and done" else 9
        assert (written.text, written.prompt_tokens, written.finish_reason) == (TEXT, bill, "stop")


async def test_done_is_an_end_even_where_no_reason_is_given() -> None:
    async with asking(lambda _: [stream([event("Yes."), DONE, event(" No.")])]) as (generator, _):
        assert (await asked(generator, streaming=True)).text == "Yes."


async def test_characters_come_whole_whatever_the_network_does() -> None:
    wire = stream(events(TEXT))
    pieces = [wire[at : at + 3] for at in range(0, len(wire), 3)]
    async with asking(lambda _: spread(pieces, 0.0)) as (generator, _):
        assert await asked(generator, streaming=True) == Generation(TEXT, 11, 14, "stop")


async def test_halves_of_characters_are_joined_or_replaced() -> None:
    halves = [rb'"\ud83d"', rb'"\ude42 ok"', rb'"\ud83d"']
    parts = [b'data: {"choices": [{"delta": {"content": %s}}]}\n\n' % half for half in halves]
    async with asking(lambda _: [stream([*parts, DONE])]) as (generator, _):
        assert (await asked(generator, streaming=True)).text == "🙂 ok\ufffd"


GARBAGE: list[bytes] = [
    b"data: {\n\n",
    b"data: [1]\n\n",
    b"data: " + b"[" * 20_000 + b"\n\n",
    b"data: \xff\xfe\n\n",
    b'data: {"choices": "none"}\n\n',
    b'data: {"choices": [3]}\n\n',
    b'data: {"choices": [{"delta": "text"}]}\n\n',
    b'data: {"choices": [{"delta": {"content": ["text"]}}]}\n\n',
    b'data: {"error": {"message": "sk-canary-0123456789", "code": 500}}\n\n',
    b'data: {"choices": [{"delta": {}, "finish_reason": "content_filter"}]}\n\n',
    b'data: {"choices": [{"delta": {"refusal": "I cannot."}, "finish_reason": "stop"}]}\n\n',
    b"data: " + b"9" * 5_000 + b"\n\n",
]


@pytest.mark.parametrize("rubbish", GARBAGE)
async def test_rubbish_ends_a_stream(rubbish: bytes) -> None:
    async with asking(lambda _: [stream([event("One."), rubbish, event(None, "stop"), DONE])]) as (generator, _):
        pieces = generator.stream(PROMPT, max_tokens=50)
        with pytest.raises(GenerationFailed) as caught:
            await gathered(pieces)
        assert "canary" not in str(caught.value)
        assert generator.inside == 0


@pytest.mark.parametrize(
    "harmless",
    [
        b": ping\n\n",
        b"event: ping\ndata: {}\n\n",
        b'data: {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]}\n\n',
        b'data: {"choices": [{"delta": null}]}\n\n',
        b'data: {"usage": {"prompt_tokens": "many"}}\n\n',
        b'data: {"usage": {"prompt_tokens": true, "completion_tokens": 3}}\n\n',
        b'data: {"usage": {"prompt_tokens": -1, "completion_tokens": 3}}\n\n',
    ],
)
async def test_what_adds_nothing_does_no_harm(harmless: bytes) -> None:
    parts = [harmless, event("One."), harmless, event(None, "tool_calls"), harmless, DONE]
    async with asking(lambda _: [stream(parts)]) as (generator, _):
        assert await asked(generator, streaming=True) == Generation("One.", 9, 1, "stop")


def message(**choice: Any) -> bytes:
    return reply(200, json.dumps({"choices": [{"finish_reason": "stop", **choice}]}).encode())


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    "wire",
    [
        reply(200, b"<html>Please log in</html>", "text/html"),
        reply(200, b""),
        reply(200, b"{}"),
        reply(200, b'{"error": "no"}'),
        reply(200, b"[" * 50_000),
        message(message={"content": 3}),
        message(message={"content": None, "refusal": "I cannot."}),
        message(message={"content": "Half"}, finish_reason="content_filter"),
        reply(200, whole(TEXT), content_encoding="gzip"),
    ],
)
async def test_something_else_than_an_answer(*, streaming: bool, wire: bytes) -> None:
    async with asking(lambda _: [wire]) as (generator, _):
        with pytest.raises(GenerationFailed):
            await asked(generator, streaming=streaming)


async def test_a_server_that_does_not_stream_is_read_as_it_answers() -> None:
    async with asking(lambda _: [whole(TEXT)]) as (generator, _):
        assert await asked(generator, streaming=True) == Generation(TEXT, 11, 14, "stop")
    async with asking(lambda _: [message(message={"content": None})]) as (generator, _):
        assert (await asked(generator, streaming=True)).text == ""


def endless(piece: bytes, pause: float) -> Sequence[Act]:
    return [STREAM_HEAD, *spread([chunked(piece)] * 3_000, pause)]


@pytest.mark.parametrize(
    ("acts", "reason"),
    [
        (endless(b": ping\n\n", 0.05), "silent"),
        (endless(event("x"), 0.05), "silent"),
        (endless(event("x" * 1_000), 0.0), "too large"),
        (endless(b"data: " + b"x" * 1_000, 0.0), "too large"),
        ([STREAM_HEAD, chunked(event("x")), Hang], "silent"),
        ([STREAM_HEAD, Hang], "silent"),
        ([whole(TEXT)[:-10], Hang], "silent"),
        ([reply(200, b" " * 5_000_000)], "too large"),
        ([*spread([STREAM_HEAD[at : at + 1] for at in range(40)], 0.05)], "in time"),
        ([STREAM_HEAD + b"zz\r\n"], "broke off"),
        ([b"HTTP/1.1 200 OK\r\nrubbish\r\n\r\n"], "cannot be reached"),
        ([b"\x16\x03\x01\x02"], "cannot be reached"),
    ],
)
async def test_no_answer_lasts_longer_than_it_may(acts: Sequence[Act], reason: str) -> None:
    async with asking(sending(*acts), QUICK) as (generator, _):
        begun = time.monotonic()
        with pytest.raises(GenerationFailed, match=reason):
            await asked(generator, streaming=True)
        assert time.monotonic() - begun < QUICK.timeout_seconds + 1
        assert generator.inside == 0


async def test_a_model_may_read_for_longer_than_it_may_fall_silent() -> None:
    slow: list[Act] = [STREAM_HEAD, 0.2, *[chunked(part) for part in events(TEXT)], LAST_CHUNK]
    async with asking(sending(*slow), QUICK) as (generator, server):
        assert (await asked(generator, streaming=True)).text == TEXT
        server.script = lambda _: [whole(TEXT)[:30], 0.2, whole(TEXT)[30:]]
        assert (await asked(generator, streaming=False)).text == TEXT


@pytest.mark.parametrize("wire", [STREAM_HEAD + chunked(event("x")), STREAM_HEAD + chunked(b": ping\n\n")])
async def test_silence_between_two_pieces_is_not_waited_out(wire: bytes) -> None:
    limits = RemoteLimits(timeout_seconds=30, idle_seconds=0.1)
    async with asking(sending(wire, Hang), limits) as (generator, server):
        begun = time.monotonic()
        with pytest.raises(GenerationFailed, match="silent"):
            await asked(generator, streaming=True)
        assert time.monotonic() - begun < 2
        # What has begun is not begun again.
        assert len(server.asks) == 1


async def test_a_server_whose_answers_keep_breaking_off_is_given_up() -> None:
    async with asking(sending(STREAM_HEAD, chunked(event("x")), Cut)) as (generator, server):
        for _ in range(8):
            with pytest.raises(GenerationFailed):
                await asked(generator, streaming=True)
        assert len(server.asks) == 5
