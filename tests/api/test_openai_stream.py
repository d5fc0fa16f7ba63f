"""Completions as chunks."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from fakes import FakeChat, Fakes, listening, refused, serving, until

from app.api import sse
from app.domain.conversations import Question
from app.domain.events import ChatEvent, TextSaid
from app.errors import GenerationFailed, Overloaded

COMPLETIONS = "/v1/chat/completions"
BODY: dict[str, Any] = {
    "model": "it-support",
    "messages": [{"role": "user", "content": "My VPN says 809"}],
    "stream": True,
}


def parse(text: str) -> list[Any]:
    """Return the data of every event: an object, or the text that is none; comments as they are."""
    assert text.endswith("\n\n")
    found: list[Any] = []
    for block in text.removesuffix("\n\n").split("\n\n"):
        assert "\n" not in block
        data = block.removeprefix("data: ")
        found.append(json.loads(data) if data.startswith("{") else block)
    return found


def test_the_chunks_of_an_answer() -> None:
    fakes = Fakes()
    with serving(fakes) as client:
        reply = client.post(COMPLETIONS, json=BODY)
        plain = client.post(COMPLETIONS, json=BODY | {"stream": False}).json()
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert (reply.headers["cache-control"], reply.headers["x-accel-buffering"]) == ("no-cache", "no")
    assert reply.headers["x-request-id"]
    *chunks, done = parse(reply.text)
    assert done == "data: [DONE]"
    message_id = fakes.chat.asked[0].answer_id
    for chunk in chunks:
        assert chunk["id"] == f"chatcmpl-{message_id}"
        assert (chunk["object"], chunk["model"]) == ("chat.completion.chunk", "it-support")
        assert chunk["created"] == chunks[0]["created"] > 1_700_000_000
        assert "usage" not in chunk
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert choices[0] == {
        "index": 0,
        "delta": {"role": "assistant", "content": ""},
        "logprobs": None,
        "finish_reason": None,
    }
    text = "".join(choice["delta"].get("content", "") for choice in choices)
    assert text.strip() == plain["choices"][0]["message"]["content"]
    assert [choice["finish_reason"] for choice in choices] == [None] * 9 + ["stop"]
    assert choices[-1]["delta"] == {}
    assert all("it_support" not in chunk for chunk in chunks[:-1])
    extension = chunks[-1]["it_support"]
    assert extension.pop("message_id") == message_id
    assert extension == {name: value for name, value in plain["it_support"].items() if name != "message_id"}
    assert fakes.chat.closed == 1


def test_the_tokens_spent_come_last_where_they_are_asked_for() -> None:
    with serving() as client:
        text = client.post(COMPLETIONS, json=BODY | {"stream_options": {"include_usage": True}}).text
        without = client.post(COMPLETIONS, json=BODY | {"stream_options": {"include_usage": False}}).text
    *chunks, last, done = parse(text)
    assert (last["choices"], done) == ([], "data: [DONE]")
    assert last["usage"] == {"prompt_tokens": 14, "completion_tokens": 19, "total_tokens": 33}
    assert all(chunk["usage"] is None for chunk in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert "usage" not in without


def test_an_answer_without_evidence_is_a_stream_like_any() -> None:
    with serving(Fakes(chat=FakeChat(reply=refused))) as client:
        *_, last, _ = parse(client.post(COMPLETIONS, json=BODY).text)
    assert (last["it_support"]["outcome"], last["choices"][0]["finish_reason"]) == ("no_context", "stop")


def test_accept_alone_asks_for_no_stream() -> None:
    with serving() as client:
        reply = client.post(COMPLETIONS, json=BODY | {"stream": None}, headers={"Accept": "text/event-stream"})
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("error", "code"),
    [(GenerationFailed("model", "hunter2"), "generation_failed"), (RuntimeError("hunter2"), "internal")],
)
def test_an_error_later_on_is_the_last_line(error: Exception, code: str) -> None:
    fakes = Fakes(chat=FakeChat(late_error=error))
    with serving(fakes) as client:
        reply = client.post(COMPLETIONS, json=BODY)
    first, last = parse(reply.text)
    assert (reply.status_code, first["choices"][0]["delta"]["role"]) == (200, "assistant")
    assert set(last) == {"error"}
    assert (last["error"]["type"], last["error"]["code"], last["error"]["param"]) == ("server_error", code, None)
    assert "hunter2" not in reply.text
    assert fakes.chat.closed == 1


class Quiet(FakeChat):
    """Thinks before the first event, too."""

    async def stream(self, question: Question) -> AsyncGenerator[ChatEvent, None]:
        await asyncio.sleep(0.3)
        async for event in super().stream(question):
            yield event


def test_quiet_is_filled_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "PATIENCE_SECONDS", 0.02)
    monkeypatch.setattr(sse, "PING_SECONDS", 0.05)
    with serving(Fakes(chat=Quiet(wait=0.3))) as client:
        events = parse(client.post(COMPLETIONS, json=BODY).text)
    pings = [at for at, event in enumerate(events) if event == ": ping"]
    role = next(at for at, event in enumerate(events) if event != ": ping")
    assert role >= 2
    assert any(at > role for at in pings)
    assert events[-1] == "data: [DONE]"


def test_a_refusal_that_takes_long_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "PATIENCE_SECONDS", 0.02)
    with serving(Fakes(chat=Quiet(error=Overloaded("x")))) as client:
        reply = client.post(COMPLETIONS, json=BODY)
    (told,) = parse(reply.text)
    assert (reply.status_code, told["error"]["code"]) == (200, "overloaded")


class Never(FakeChat):
    """Never comes to its first event."""

    async def stream(self, question: Question) -> AsyncGenerator[ChatEvent, None]:
        self.asked.append(question)
        try:
            await asyncio.sleep(60)
            yield TextSaid("never")
        finally:
            self.closed += 1


def sent(body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {COMPLETIONS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}"
    return head.encode() + b"\r\n\r\n" + data


@pytest.mark.parametrize(
    ("chat", "seen"),
    [(FakeChat(wait=60), b'"role":"assistant"'), (Never(), b"")],
    ids=["while it streams", "before it begins"],
)
def test_a_reader_that_leaves_frees_the_work_within_a_second(chat: FakeChat, seen: bytes) -> None:
    with listening(Fakes(chat=chat)) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(sent(BODY))
            received = b""
            while seen not in received:
                received += client.recv(65536)
            until(lambda: bool(chat.asked))
            assert chat.closed == 0
        assert until(lambda: chat.closed == 1) < 1


def test_a_client_that_leaves_a_plain_question_frees_the_work_within_a_second() -> None:
    fakes = Fakes(chat=FakeChat(wait=60))
    with listening(fakes) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(sent(BODY | {"stream": False}))
            until(lambda: bool(fakes.chat.asked))
        assert until(lambda: fakes.chat.cancelled == 1) < 1
