"""Clients of a real server that leave, and one that reads slowly."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from fakes import FakeChat, Fakes, answer, listening, until
from starlette.types import Message

from app.api.leaving import gone
from app.domain.answers import Answer
from app.domain.conversations import Question
from app.domain.events import ChatEvent, TextSaid

CHAT = "/api/v1/chat/"
BODY = {"query": "My VPN says 809", "stream": True}


def request_bytes(body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


class Never(FakeChat):
    """Waits before the first event, too."""

    async def stream(self, question: Question) -> AsyncGenerator[ChatEvent, None]:
        self.asked.append(question)
        try:
            await asyncio.sleep(60)
            yield TextSaid("never")
        finally:
            self.closed += 1


@pytest.mark.parametrize(
    ("chat", "seen"),
    [(FakeChat(wait=60), b"search_results"), (Never(), b"")],
    ids=["while it streams", "before it begins"],
)
def test_a_reader_that_leaves_frees_the_work_within_a_second(chat: FakeChat, seen: bytes) -> None:
    with listening(Fakes(chat=chat)) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(request_bytes(BODY))
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
            client.sendall(request_bytes(BODY | {"stream": False}))
            until(lambda: bool(fakes.chat.asked))
        assert until(lambda: fakes.chat.cancelled == 1) < 1


def test_a_slow_reader_gets_everything() -> None:
    def long(question: Question) -> Answer:
        return answer(Question(question.text * 400))

    with listening(Fakes(chat=FakeChat(reply=long))) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(5)
        client.sendall(request_bytes(BODY))
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            received += client.recv(97)
    assert received.count(b"event: final_answer") == 1


async def test_the_rest_of_a_body_is_not_a_client_that_leaves() -> None:
    messages = iter(("http.request", "http.request", "http.disconnect"))

    async def receive() -> Message:
        return {"type": next(messages)}

    await gone(receive)
    assert list(messages) == []
