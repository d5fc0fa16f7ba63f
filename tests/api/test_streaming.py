import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from fakes import CONVERSATION, FakeChat, Fakes, serving
from starlette.types import Message, Scope

from app.api import sse
from app.domain.conversations import Question
from app.domain.events import ChatEvent
from app.errors import GenerationFailed, NotFound, Overloaded

CHAT = "/api/v1/chat/"
BODY = {"query": "My VPN says 809", "stream": True, "conversation_id": CONVERSATION}
QUESTION = Question("why?")


def parse(text: str) -> list[tuple[str, Any]]:
    events = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


@pytest.mark.parametrize(
    ("body", "accept", "streamed"),
    [
        (BODY, "*/*", True),
        (BODY, "application/json", True),
        (BODY | {"stream": False}, "text/event-stream", True),
        (BODY | {"stream": False}, "application/json;q=0.5, text/event-stream", True),
        (BODY | {"stream": False}, "text/event-stream;q=0", False),
        (BODY | {"stream": False}, "text/event-stream;q=x", False),
        (BODY | {"stream": False}, "text/*", False),
    ],
)
def test_a_stream_is_asked_for_in_the_body_or_by_accept(body: dict[str, Any], accept: str, streamed: bool) -> None:
    with serving() as client:
        reply = client.post(CHAT, json=body, headers={"Accept": accept})
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/event-stream") is streamed


def test_the_events_of_an_answer() -> None:
    fakes = Fakes()
    with serving(fakes) as client:
        reply = client.post(CHAT, json=BODY)
        plain = client.post(CHAT, json=BODY | {"stream": False}).json()
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-accel-buffering"] == "no"
    assert "content-length" not in reply.headers
    assert reply.headers["x-request-id"]
    events = parse(reply.text)
    names = [name for name, _ in events]
    assert names == ["search_results", *["message"] * 8, "citation", "final_answer"]
    assert events[0][1] == {"search_results": plain["search_results"], "answerability": 0.91, "sufficient": True}
    assert "".join(data["delta"] for name, data in events if name == "message").strip() == plain["response"]
    assert events[-2][1] == plain["citations"][0]
    assert events[-1][1] == plain
    assert fakes.chat.closed == 1


@pytest.mark.parametrize(("error", "status"), [(NotFound("x"), 404), (Overloaded("x"), 503)])
def test_a_refusal_before_the_first_event_is_an_ordinary_one(error: Exception, status: int) -> None:
    fakes = Fakes(chat=FakeChat(error=error))
    with serving(fakes) as client:
        reply = client.post(CHAT, json=BODY)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert fakes.chat.closed == 1


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [(GenerationFailed("model", "hunter2"), "generation_failed", 503), (RuntimeError("hunter2"), "internal", 500)],
)
def test_an_error_later_on_is_the_last_event(error: Exception, code: str, status: int) -> None:
    fakes = Fakes(chat=FakeChat(late_error=error))
    with serving(fakes) as client:
        reply = client.post(CHAT, json=BODY)
    (_, (name, problem)) = parse(reply.text)
    assert (reply.status_code, name) == (200, "error")
    assert (problem["code"], problem["status"], problem["instance"]) == (code, status, CHAT)
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert "hunter2" not in reply.text
    assert fakes.chat.closed == 1


def test_a_refusal_that_takes_long_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "PATIENCE_SECONDS", 0.02)

    class SlowRefusal(FakeChat):
        async def stream(self, question: Question) -> AsyncGenerator[ChatEvent, None]:
            await asyncio.sleep(0.1)
            async for event in super().stream(question):
                yield event

    with serving(Fakes(chat=SlowRefusal(error=Overloaded("x")))) as client:
        reply = client.post(CHAT, json=BODY)
    assert reply.status_code == 200
    assert [name for name, _ in parse(reply.text)] == ["error"]


def test_quiet_is_filled_with_pings_before_and_between_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "PATIENCE_SECONDS", 0.02)
    monkeypatch.setattr(sse, "PING_SECONDS", 0.05)

    class Quiet(FakeChat):
        async def stream(self, question: Question) -> AsyncGenerator[ChatEvent, None]:
            await asyncio.sleep(0.4)
            async for event in super().stream(question):
                yield event

    with serving(Fakes(chat=Quiet(wait=0.5))) as client:
        events = parse(client.post(CHAT, json=BODY).text)
    names = [name for name, _ in events]
    found = names.index("search_results")
    assert names[:found] == ["ping"] * found
    assert found >= 2
    assert names[found + 1 : found + 3] == ["ping", "ping"]
    assert dict(events)["ping"] == {}
    assert names[-1] == "final_answer"


def test_pings_come_every_ten_seconds() -> None:
    assert sse.PING_SECONDS == 10


def test_a_stream_outlives_the_deadline_of_plain_answers() -> None:
    with serving(Fakes(chat=FakeChat(wait=0.9)), request_timeout_seconds=0.6) as client:
        assert parse(client.post(CHAT, json=BODY).text)[-1][0] == "final_answer"
        assert client.post(CHAT, json=BODY | {"stream": False}).status_code == 504


class Channel:
    """A server's side of one request: keeps what is sent, takes only so many messages, never disconnects."""

    scope: Scope = {"type": "http", "path": CHAT}  # noqa: RUF012 - read only

    def __init__(self, stuck_after: int = 1000, error: Exception | None = None) -> None:
        self.sent: list[Message] = []
        self.answering = asyncio.Event()
        self._stuck_after = stuck_after
        self._error = error

    async def receive(self) -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if len(self.sent) >= self._stuck_after:
            if self._error:
                raise self._error
            await asyncio.sleep(60)
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.answering.set()


async def told(events: AsyncGenerator[ChatEvent, None], channel: Channel) -> None:
    first: sse.Pending = asyncio.ensure_future(_first(events))
    await sse.EventStream(first, events)(channel.scope, channel.receive, channel.send)


async def _first(events: AsyncGenerator[ChatEvent, None]) -> ChatEvent | None:
    return await anext(events)


@pytest.mark.parametrize("error", [None, BrokenPipeError("gone")])
async def test_a_reader_that_is_stuck_is_given_up(error: Exception | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "WRITE_SECONDS", 0.05)
    chat, channel = FakeChat(), Channel(stuck_after=3, error=error)
    await told(chat.stream(QUESTION), channel)
    assert [message["type"] for message in channel.sent] == ["http.response.start", *["http.response.body"] * 2]
    assert all(message["more_body"] for message in channel.sent[1:])
    assert chat.closed == 1


async def test_a_server_that_ends_closes_the_iterator() -> None:
    chat, channel = FakeChat(wait=60), Channel()
    serving_it = asyncio.create_task(told(chat.stream(QUESTION), channel))
    await channel.answering.wait()
    serving_it.cancel()
    await asyncio.wait({serving_it})
    assert serving_it.cancelled()
    assert chat.closed == 1


async def test_an_iterator_without_events_is_an_empty_stream() -> None:
    async def nothing() -> AsyncGenerator[ChatEvent, None]:
        none: tuple[ChatEvent, ...] = ()
        for event in none:
            yield event

    events, channel = nothing(), Channel()

    async def first() -> ChatEvent | None:
        return await anext(events, None)

    await sse.EventStream(asyncio.ensure_future(first()), events)(channel.scope, channel.receive, channel.send)
    assert channel.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert len(channel.sent) == 2
