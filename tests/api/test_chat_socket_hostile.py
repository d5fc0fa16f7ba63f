"""The plain WebSocket under bad input, floods, foreign pages, slow readers and too many connections."""

import asyncio
import contextlib
import socket
import time
import uuid
from typing import Any

import pytest
from live_app import Parts, serving
from live_clients import key, line
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from app.api.origins import OriginRules
from app.services.live.rules import LiveRules
from tests.live_builders import KeyAccess, until

DEEP = "[" * 30_000
OPERATOR = {"$ne": ""}

BAD_EVENTS: list[tuple[dict[str, Any], str]] = [
    ({"type": "question"}, "message"),
    ({"type": "question", "message": OPERATOR}, "message"),
    ({"type": "question", "message": "  "}, "message"),
    ({"type": "question", "message": "x" * 2001}, "message"),
    ({"type": "question", "message": "a\0b"}, "message"),
    ({"type": "question", "message": "x", "id": "42"}, "id"),
    ({"type": "question", "message": "x", "id": OPERATOR}, "id"),
    ({"type": "question", "message": "x", "conversation_id": "nonsense"}, "conversation_id"),
    ({"type": "question", "message": "x", "conversation_id": OPERATOR}, "conversation_id"),
    ({"type": "question", "message": "x", "language": OPERATOR}, "language"),
    ({"type": "question", "message": "x", "context": {"os": OPERATOR}}, "context.os"),
    ({"type": "question", "message": "x", "filters": {"category": OPERATOR}}, "filters.category"),
    ({"type": "question", "message": "x", "top_k": 21}, "top_k"),
    ({"type": "question", "message": "x", "max_tokens": 10**30}, "max_tokens"),
    ({"type": "question", "message": "x", "after": -1}, "after"),
    ({"type": "question", "message": "x", "owner": "root"}, "owner"),
    ({"type": "resume", "id": OPERATOR}, "id"),
    ({"type": "resume"}, "id"),
    ({"type": "join", "conversation_id": OPERATOR}, "conversation_id"),
    ({"type": "cancel", "id": "x" * 5000}, "id"),
    ({"type": OPERATOR}, "type"),
    ({"type": "__class__"}, "type"),
    ({"no": "type"}, "type"),
]


BAD_FRAMES: dict[str, tuple[str | bytes, bool]] = {
    "binary": (b"\x00\x01", False),
    "not UTF-8": (b"\xff\xfe\x00", True),
    "not UTF-8 within JSON": (b'{"type":"question","message":"\xc3\x28"}', True),
    "broken": ("{broken", True),
    "deep list": (DEEP, True),
    "deep object": ('{"a":' * 10_000, True),
    "lone surrogate": ('{"type":"question","message":"\\ud800"}', True),
    "list": ("[1,2]", True),
    "infinite": ('{"type":"question","message":1e400}', True),
    "blank": ("   ", True),
}
PATIENT = LiveRules(events_per_second=1000, burst=1000, queued=500)


async def test_a_bad_event_is_told_by_field_and_the_connection_lives() -> None:
    async with serving(Parts(rules=PATIENT)) as (parts, port), line(port) as chat:
        for event, field in BAD_EVENTS:
            await chat.send(**event)
            told = await chat.next()
            assert (told["type"], told["code"], told["status"]) == ("error", "invalid_input", 400), event
            assert field in {error["field"] for error in told["errors"]}, event
        await chat.send(type="ping")
        assert (await chat.next())["type"] == "pong"
    assert parts.chat.asked == []


async def test_a_frame_that_is_no_event_is_told_and_the_connection_lives() -> None:
    async with serving(Parts(rules=PATIENT)) as (parts, port), line(port) as chat:
        for name, (frame, text) in BAD_FRAMES.items():
            await chat.socket.send(frame, text=text)
            assert (await chat.next())["code"] == "invalid_input", name
        await chat.socket.send("A question")
        await chat.until("final_answer")
    assert len(parts.chat.asked) == 1


async def test_foreign_and_unknown_ids_are_not_told_apart() -> None:
    async with serving(Parts(access=KeyAccess())) as (_parts, port):
        asked = str(uuid.uuid4())
        async with line(port, **key("anna")) as chat:
            await chat.send(type="question", message="Mine", id=asked)
            conversation = (await chat.until("final_answer"))[-1]["conversation_id"]
        async with line(port, **key("bert")) as chat:
            for name, field, theirs in (
                ("resume", "id", asked),
                ("cancel", "id", asked),
                ("join", "conversation_id", conversation),
            ):
                await chat.send(type=name, **{field: theirs})
                first = await chat.next()
                await chat.send(type=name, **{field: str(uuid.uuid4())})
                second = await chat.next()
                assert first["code"] == second["code"] == "not_found"
                assert first["detail"] == second["detail"]


async def test_a_frame_that_is_too_large_is_told_before_the_connection_ends() -> None:
    async with serving() as (_parts, port), line(port) as chat, line(port) as other:
        await chat.socket.send("x" * 70_000)
        assert (await chat.next())["code"] == "too_large"
        assert await chat.closed() == 1009
        await other.socket.send("A question")
        await other.until("final_answer")


async def test_a_thousand_events_in_a_second_end_that_connection_alone() -> None:
    async with serving() as (parts, port), line(port) as other:
        async with line(port) as chat:
            began = time.monotonic()
            codes = set()
            with contextlib.suppress(ConnectionClosed):
                for _ in range(1000):
                    await chat.send(type="ping")
            with contextlib.suppress(ConnectionClosed):
                while time.monotonic() - began < 5:
                    told = await chat.next()
                    codes.add((told["type"], told.get("code"), told.get("status")))
            assert chat.socket.close_code == 1008
        assert ("error", "too_many_events", 429) in codes
        await other.socket.send("A question")
        assert (await other.until("final_answer"))[-1]["type"] == "final_answer"
        await until(lambda: parts.live.connections == 1)


ORIGINS: list[tuple[Any, bool]] = [
    (None, True),
    ("https://help.example", True),
    ("http://help.example", False),
    ("https://help.example.evil.test", False),
    ("https://HELP.example.", False),
    ("https://help.example:444", False),
    ("https://sub.help.example", False),
    ("null", False),
    ("file://", False),
    ("https://evil.test", False),
]


async def test_only_pages_that_are_listed_may_open_it() -> None:
    rules = OriginRules(frozenset({"https://help.example"}))
    headers = {"X-Forwarded-Host": "evil.test"}
    async with serving(Parts(origins=rules)) as (_parts, port):
        address = f"ws://127.0.0.1:{port}/ws/chat"
        for origin, passes in ORIGINS:
            if passes:
                async with connect(address, origin=origin, additional_headers=headers) as opened:
                    assert "init" in str(await opened.recv())
            else:
                with pytest.raises(InvalidStatus) as refused:
                    await connect(address, origin=origin, additional_headers=headers)
                assert refused.value.response.status_code == 403, origin


async def test_its_own_pages_may_open_it() -> None:
    async with (
        serving() as (_parts, port),
        connect(f"ws://127.0.0.1:{port}/ws/chat", origin=Origin(f"http://127.0.0.1:{port}")),
    ):
        pass


async def test_connections_are_bounded_and_make_room_again() -> None:
    async with serving(Parts(rules=LiveRules(sockets=1))) as (parts, port):
        async with line(port):
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://127.0.0.1:{port}/ws/chat")
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["Retry-After"]
        await until(lambda: parts.live.connections == 0)
        async with line(port):
            pass


async def test_a_reader_that_does_not_read_is_dropped_and_holds_up_nobody() -> None:
    rules = LiveRules(send_seconds=0.3, events_per_second=1000, burst=1000, queued=100)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    async with serving(Parts(rules=rules), narrow=True) as (parts, port), line(port) as other:
        narrow.connect(("127.0.0.1", port))
        async with connect(f"ws://127.0.0.1:{port}/ws/chat", sock=narrow, max_queue=1) as reader:
            for _ in range(20):
                await reader.send("word " * 390)
            await until(lambda: parts.live.connections == 1, 10)
            began = time.monotonic()
            await other.socket.send("A question")
            await other.until("final_answer")
            assert time.monotonic() - began < 2
            reader.transport.abort()


async def test_five_hundred_that_leave_at_any_moment_leave_nothing_behind() -> None:
    async with serving(Parts(pace=0.003, queue=600)) as (parts, port):

        async def visit(number: int) -> None:
            async with line(port) as chat:
                await chat.socket.send("some words to say for a while")
                await asyncio.sleep(number % 10 * 0.004)
                chat.socket.transport.abort()

        for start in range(0, 500, 50):
            await asyncio.gather(*(visit(number) for number in range(start, start + 50)))
        await until(lambda: not (parts.live.connections or parts.live.sessions or parts.live.answers.running), 5)
        assert parts.admission.waiting == 0
        assert parts.admission._free == parts.places
