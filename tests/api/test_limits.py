"""How much a request may bring and how long it may take."""

import socket
from collections.abc import Iterator

import pytest
from fakes import FakeChat, Fakes, listening, serving
from starlette.testclient import TestClient

CHAT = "/api/v1/chat/"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with serving() as running:
        yield running


@pytest.mark.parametrize("size", [256 * 1024 + 1, 10 * 1024 * 1024])
def test_a_body_over_the_cap_is_refused_by_its_length(client: TestClient, size: int) -> None:
    reply = client.post(CHAT, content=b"x" * size, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
    assert client.get("/livez").status_code == 200


@pytest.mark.parametrize("path", ["/nope", "/health", CHAT])
def test_a_body_over_the_cap_is_refused_wherever_it_goes(client: TestClient, path: str) -> None:
    reply = client.request("POST", path, content=b"x" * 300_000)
    assert (reply.status_code, reply.headers["content-type"]) == (413, "application/problem+json")


def test_a_body_of_unknown_length_is_refused_when_it_passes_the_cap() -> None:
    fakes = Fakes()
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(400):
            sent += 1
            yield b"x" * 1024

    with serving(fakes) as client:
        reply = client.post(CHAT, content=chunks(), headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
    assert fakes.chat.asked == []


def test_a_chunked_body_in_a_real_server_is_cut_at_the_cap() -> None:
    head = b"POST /api/v1/chat/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    with listening(Fakes()) as port, socket.create_connection(("127.0.0.1", port)) as sock:
        sock.settimeout(5)
        sock.sendall(head)
        for _ in range(70):
            sock.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        reply = sock.recv(65536)
    assert reply.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in reply


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "abc", "1e9", "²"])
def test_a_length_that_is_none_breaks_nothing(client: TestClient, length: str) -> None:
    headers = [(b"Content-Type", b"application/json"), (b"Content-Length", length.encode("latin-1"))]
    reply = client.post(CHAT, content=b'{"query": "x"}', headers=headers)
    assert reply.status_code in {200, 413}


def test_the_cap_itself_is_allowed() -> None:
    body = b'{"query": "x"}'
    with serving(max_body_kb=16) as client:
        headers = {"Content-Type": "application/json"}
        assert client.post(CHAT, content=body.ljust(16 * 1024), headers=headers).status_code == 200
        assert client.post(CHAT, content=body.ljust(16 * 1024 + 1), headers=headers).status_code == 413


def test_the_deadline_cancels_the_work() -> None:
    fakes = Fakes(chat=FakeChat(wait=60))
    with serving(fakes, request_timeout_seconds=0.4) as client:
        reply = client.post(CHAT, json={"query": "x"})
        fakes.chat.wait = 0
        assert client.post(CHAT, json={"query": "x"}).status_code == 200
    assert (reply.status_code, reply.json()["code"]) == (504, "deadline_exceeded")
    assert fakes.chat.cancelled == 1


def test_a_timeout_of_another_kind_is_not_the_deadline() -> None:
    with serving(Fakes(chat=FakeChat(error=TimeoutError()))) as client:
        assert client.post(CHAT, json={"query": "x"}).status_code == 500
