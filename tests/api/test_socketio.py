"""Socket.IO with its own client: over polling and WebSocket, resume, joining, cancelling, and bad input."""

import asyncio
import time
import uuid
from typing import Any

import aiohttp
import pytest
import socketio  # type: ignore[import-untyped]
from live_app import Parts, serving
from live_clients import line, phone

from app.api.origins import OriginRules
from app.api.realtime import socketio_channel
from app.services.live.rules import LiveRules
from tests.live_builders import KeyAccess, until

QUESTION = "How do I reset the VPN profile"
OPERATOR = {"$ne": ""}


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
async def test_a_message_is_answered_in_chunks_then_whole_then_counted(transports: list[str]) -> None:
    async with serving() as (_parts, port), phone(port, transports=transports) as client:
        name, hello = (await client.until("connected"))[-1]
        assert name == "connected"
        assert hello["supporter_name"] in hello["message"]
        assert (await client.call("send_message", {"message": QUESTION}))["ok"] is True
        heard = await client.until("token_usage")
    names = [name for name, _data in heard]
    chunks = ["response_chunk"] * 7
    assert names == ["accepted", "search_results", *chunks, "citation", "final_answer", "token_usage"]
    said = "".join(data["chunk"] for name, data in heard if name == "response_chunk")
    final, usage = heard[-2][1], heard[-1][1]
    assert said.strip() == QUESTION == final["response"]
    assert usage == {"total_tokens_used": 7, "id": final["id"]}
    assert [data["seq"] for name, data in heard[1:-1]] == list(range(2, 12))


async def test_a_text_alone_is_a_message() -> None:
    async with serving() as (_parts, port), phone(port) as client:
        await client.client.emit("send_message", QUESTION)
        assert (await client.until("final_answer"))[-1][1]["response"] == QUESTION


async def test_both_channels_are_one_service() -> None:
    asked = str(uuid.uuid4())
    async with serving(Parts(pace=0.05)) as (parts, port):
        async with line(port) as chat:
            await chat.send(type="question", message=QUESTION, id=asked)
            before = await chat.until("message")
        async with phone(port) as client:
            taken = await client.call("resume", {"id": asked, "after": before[-1]["seq"]})
            heard = await client.until("token_usage")
            assert (await client.call("join", {"conversation_id": taken["conversation_id"]}))["ok"] is True
            async with line(port) as chat:
                await chat.send(type="question", message="Again", conversation_id=taken["conversation_id"])
                assert (await client.until("final_answer"))[-1][1]["response"] == "Again"
    assert [data["seq"] for _name, data in heard[2:-1]] == list(range(before[-1]["seq"] + 1, 12))
    assert len(parts.chat.asked) == 2


async def test_an_answer_is_cancelled() -> None:
    asked = str(uuid.uuid4())
    async with serving(Parts(pace=0.2)) as (parts, port), phone(port) as client:
        await client.call("send_message", {"message": QUESTION, "id": asked})
        await client.until("response_chunk")
        assert (await client.call("cancel", {"id": asked}))["ok"] is True
        assert (await client.until("cancelled"))[-1][1]["id"] == asked
        await until(lambda: parts.chat.given_up == 1)


BAD: list[tuple[str, Any]] = [
    ("send_message", None),
    ("send_message", []),
    ("send_message", 7),
    ("send_message", {"message": OPERATOR}),
    ("send_message", {"message": "x" * 2001}),
    ("send_message", {"message": "x", "id": OPERATOR}),
    ("send_message", {"message": "x", "conversation_id": "nonsense"}),
    ("send_message", {"message": "x", "more": 1}),
    ("resume", {"id": OPERATOR}),
    ("resume", {}),
    ("join", {"conversation_id": OPERATOR}),
    ("cancel", {"id": 1}),
    ("delete_everything", {}),
    ("connect", {}),
]


async def test_bad_events_are_acknowledged_and_told_as_errors_and_the_connection_lives() -> None:
    async with (
        serving(Parts(rules=LiveRules(events_per_second=1000, burst=1000))) as (parts, port),
        phone(port) as client,
    ):
        await client.until("connected")
        for name, data in BAD:
            if name != "connect":
                answer = await client.call(name, data)
                assert (answer["ok"], answer["code"]) == (False, "invalid_input"), name
            else:
                await client.client.emit(name, data)
            assert (await client.until("error"))[-1][1]["code"] == "invalid_input"
        for name in ("resume", "cancel"):
            assert (await client.call(name, {"id": str(uuid.uuid4())}))["code"] == "not_found"
        assert (await client.call("send_message", {"message": "A question"}))["ok"] is True
        await client.until("final_answer")
    assert len(parts.chat.asked) == 1


RAW: dict[str, str | bytes] = {
    "binary": b"\x00\x01",
    "binary event": '451-["send_message",{"_placeholder":true,"num":0}]',
    "endless attachments": '459999999-["send_message"]',
    "no JSON": "42[broken",
    "deep": "42" + "[" * 30_000,
    "no name": "42{}",
    "name of no text": '42[{"a":1},2]',
    "second connect": "40",
    "unknown packet": "49",
    "unasked acknowledgement": "437[]",
    "no packet of its kind": "44",
}


async def _raw(socket: aiohttp.ClientWebSocketResponse) -> str:
    while True:
        message = await asyncio.wait_for(socket.receive(), 5)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return f"closed {message.data}"
        if message.data == "2":
            await socket.send_str("3")
        elif not message.data.startswith(('42["connected"', "0", "40")):
            return str(message.data)


async def test_broken_packets_are_told_and_the_connection_lives() -> None:
    rules = LiveRules(events_per_second=1000, burst=1000)
    async with serving(Parts(rules=rules)) as (_parts, port), aiohttp.ClientSession() as http:
        address = f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        async with http.ws_connect(address) as opened:
            # An event before the connection is made.
            await opened.send_str('42["send_message",{"message":"x"}]')
            early = await _raw(opened)
            assert early.startswith("44")
            assert "not_identified" in early
            await opened.send_str("40")
            for name, frame in RAW.items():
                await (opened.send_bytes(frame) if isinstance(frame, bytes) else opened.send_str(frame))
                if name != "unasked acknowledgement":
                    assert "invalid_input" in await _raw(opened), name
            await opened.send_str('421["send_message",{"message":"x"}]')
            assert (await _raw(opened)).startswith(("431", '42["accepted"'))


async def test_what_is_no_packet_of_engineio_is_told_on_every_transport(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as (_parts, port), aiohttp.ClientSession() as http, phone(port) as client:
        address = f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        async with http.ws_connect(address) as opened:
            await opened.send_str("40")
            for frame in ("x", "", "b!!!", "9", "5", "2probe", "6", "\ud7ff", "0{}"):
                await opened.send_str(frame)
                if frame not in {"5", "2probe"}:
                    assert "invalid_input" in await _raw(opened), frame
        async with http.ws_connect(address) as opened:
            await opened.send_str("4" * 70_000)
            assert (await _raw(opened)).startswith('42["error",{')
        polling = f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=polling"
        bodies = (("x", 200), ("4" * 70_000, 413), ("\x1e".join(["40"] * 100), 400), (b"\xff\xfe", 200), ("b!", 200))
        for body, status in bodies:
            async with http.get(polling) as answer:
                sid = (await answer.text()).split('"sid":"')[1].split('"')[0]
            async with http.post(f"{polling}&sid={sid}", data=body) as answer:
                assert answer.status == status, body
            if status == 200:
                async with http.get(f"{polling}&sid={sid}") as answer:
                    assert "not_identified" in await answer.text() or "invalid_input" in await answer.text()
        await client.call("send_message", {"message": "A question"})
        await client.until("final_answer")
    assert "Traceback" not in caplog.text


async def test_a_thousand_events_in_a_second_end_that_connection_alone() -> None:
    async with serving() as (_parts, port), phone(port) as other:
        async with phone(port, transports=["websocket"]) as client:
            await client.until("connected")
            for _ in range(1000):
                await client.client.emit("send_message", OPERATOR)
            errors = [data["code"] for name, data in await client.until("error") if name == "error"]
            async with asyncio.timeout(5):
                await client.gone.wait()
            while not client.heard.empty():
                errors.append(client.heard.get_nowait()[1].get("code"))
        assert "too_many_events" in errors
        await other.call("send_message", {"message": "A question"})
        await other.until("final_answer")


async def test_pages_of_other_sites_and_jsonp_are_refused_on_every_transport() -> None:
    rules = OriginRules(frozenset({"https://help.example"}))
    async with serving(Parts(origins=rules)) as (_parts, port), aiohttp.ClientSession() as http:
        base = f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport="
        for origin, status in (("https://help.example", 200), ("https://evil.test", 403), ("null", 403)):
            headers = {"Origin": origin, "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"}
            async with http.get(f"{base}polling", headers=headers) as answer:
                assert answer.status == status, origin
            if status == 200:
                async with http.ws_connect(f"{base}websocket", headers=headers):
                    pass
            else:
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await http.ws_connect(f"{base}websocket", headers=headers)
                assert refused.value.status == status
        async with http.get(f"{base}polling&j=0") as answer:
            assert answer.status == 400


async def test_who_says_nothing_after_the_handshake_is_put_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socketio_channel, "_WATCH_SECONDS", 0.05)
    rules = LiveRules(sign_in_seconds=0.2, sockets=2)
    async with serving(Parts(rules=rules)) as (_parts, port), aiohttp.ClientSession() as http:
        address = f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        async with phone(port) as client, http.ws_connect(address) as opened:
            async with http.get(address.replace("websocket", "polling")) as answer:
                assert answer.status == 503
                assert answer.headers["Retry-After"]
            began = time.monotonic()
            assert (await _raw(opened))[0] in "1c"
            assert time.monotonic() - began < 2
            await asyncio.sleep(0.3)
            assert (await client.call("send_message", {"message": "Still here"}))["ok"] is True


async def test_who_connects_is_who_its_key_says() -> None:
    async with serving(Parts(access=KeyAccess())) as (parts, port):
        for auth in (None, {"token": "wrong"}, {"token": OPERATOR}, "wrong"):
            with pytest.raises(socketio.exceptions.ConnectionError):
                async with phone(port, auth=auth):
                    pass
        async with phone(port, auth={"token": "key-anna"}) as client:
            await client.call("send_message", {"message": "Mine"})
            await client.until("final_answer")
    assert [question.owner for question in parts.chat.asked] == ["anna"]
    assert parts.live.connections == 0
