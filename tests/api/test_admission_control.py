"""Admission over HTTP: refusals before anything is read, in the shape of every problem, by both ways they are made."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.api.middleware import AdmissionControl
from app.api.middleware.admission import RefusalLog
from app.api.shedding import is_plain, shedding
from app.services.admission import Admission

PREFIXES = ("/api/v1/", "/v1/")
COMPLETIONS = "/v1/chat/completions"


class App:
    """Answers once its gate is open; counts what reached it."""

    def __init__(self, content_type: bytes = b"application/json") -> None:
        self.gate = asyncio.Event()
        self.reached = 0
        self._type = content_type

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.reached += 1
        headers = [(b"content-type", self._type), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.gate.wait()
        await send({"type": "http.response.body", "body": b"ok"})


async def asked(app: Any, path: str, method: str = "POST", kind: str = "http", root: str = "") -> list[Any]:
    sent: list[Any] = []

    async def unread() -> Any:
        raise AssertionError("nothing may be read")

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": kind, "path": root + path, "root_path": root, "method": method, "headers": []}, unread, send)
    return sent


async def test_what_there_is_no_room_for_is_refused_unread() -> None:
    inner = App()
    control = AdmissionControl(inner, Admission(1, 0, 1.0), PREFIXES)
    working = asyncio.create_task(asked(control, "/api/v1/chat/"))
    await asyncio.sleep(0)
    start, body = await asked(control, "/api/v1/chat/")
    assert start["status"] == 503
    headers = dict(start["headers"])
    assert int(headers[b"retry-after"]) >= 1
    assert json.loads(body["body"])["code"] == "overloaded"
    inner.gate.set()
    assert (await working)[0]["status"] == 200
    assert (await asked(control, "/api/v1/chat/"))[0]["status"] == 200
    assert inner.reached == 2


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/static/a.css", "/api/v1/chat/health", "/"])
async def test_health_and_pages_are_always_let_in(path: str) -> None:
    inner = App()
    inner.gate.set()
    control = AdmissionControl(inner, Admission(0, 0, 1.0), PREFIXES)
    assert (await asked(control, path, "GET"))[0]["status"] == 200
    assert (await asked(control, "/api/v1/chat/", kind="websocket"))[0]["status"] == 200
    assert (await asked(control, "/api/v1/chat/"))[0]["status"] == 503


@pytest.mark.parametrize(
    ("method", "content_type", "status"),
    [("GET", b"text/event-stream", 200), ("POST", b"text/event-stream", 503), ("GET", b"application/json", 503)],
)
async def test_who_only_watches_holds_no_place(method: str, content_type: bytes, status: int) -> None:
    inner = App(content_type)
    control = AdmissionControl(inner, Admission(1, 0, 1.0), PREFIXES)
    watching = asyncio.create_task(asked(control, "/api/v1/jobs/1/events", method))
    await asyncio.sleep(0)
    asking = asyncio.create_task(asked(control, "/api/v1/chat/"))
    await asyncio.sleep(0)
    inner.gate.set()
    assert (await asking)[0]["status"] == status
    await watching
    assert control._admission._free == 1


@pytest.mark.parametrize("root", ["", "/help"])
async def test_a_refusal_has_the_shape_its_clients_know(root: str) -> None:
    control = AdmissionControl(App(), Admission(0, 0, 1.0), PREFIXES)
    start, body = await asked(control, COMPLETIONS, root=root)
    headers = dict(start["headers"])
    assert (start["status"], headers[b"content-type"], headers[b"retry-after"]) == (503, b"application/json", b"1")
    told = json.loads(body["body"])["error"]
    assert (told["type"], told["code"], told["param"]) == ("server_error", "overloaded", None)
    assert "try again" in told["message"]
    start, body = await asked(control, "/api/v1/chat/", root=root)
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    assert json.loads(body["body"])["instance"] == f"{root}/api/v1/chat/"


def test_refusals_are_told_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    admission = Admission(0, 0, 1.0)
    told = RefusalLog(admission, clock=lambda: now)
    caplog.set_level(logging.WARNING, "app.admission")
    for _ in range(5):
        assert admission.refusal() is not None
        told.tell()
    now = 1.0
    told.tell()
    assert [vars(record)["refused"] for record in caplog.records] == [1, 4]


@asynccontextmanager
async def served(app: Any, admission: Admission) -> AsyncIterator[int]:
    protocol = shedding(admission, PREFIXES)
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=protocol, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no event for that
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


def request(path: str = "/api/v1/chat/", more: str = "", body: str = "{}") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


async def reply(port: int, *pieces: bytes) -> tuple[bytes, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = body = b""
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.02)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    return head, body


async def test_both_ways_of_refusing_say_the_same() -> None:
    admission = Admission(0, 0, 1.0)
    inner = App()
    async with served(AdmissionControl(inner, admission, PREFIXES), admission) as port:
        shed, ordinary = await reply(port, request()), await reply(port, request(more="Origin: http://a\r\n"))
        split = await reply(port, request()[:-1], request()[-1:])
    same = ("type", "title", "status", "detail", "instance", "code")
    told = [json.loads(body) for _, body in (shed, ordinary, split)]
    assert [[problem[name] for name in same] for problem in told] == [[told[0][name] for name in same]] * 3
    for head, _ in (shed, ordinary, split):
        assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"retry-after: 1\r\n" in head.lower()
    assert f"X-Request-ID: {told[0]['request_id']}\r\n".encode() in shed[0]
    assert len(told[0]["request_id"]) == 32
    assert inner.reached == 0


async def test_both_ways_of_refusing_speak_to_clients_of_openai() -> None:
    admission = Admission(0, 0, 1.0)
    async with served(AdmissionControl(App(), admission, PREFIXES), admission) as port:
        shed = await reply(port, request(COMPLETIONS))
        ordinary = await reply(port, request(COMPLETIONS, more="Origin: http://a\r\n"))
    assert shed[1] == ordinary[1]
    assert json.loads(shed[1])["error"]["code"] == "overloaded"
    for head in (shed[0].lower(), ordinary[0].lower()):
        assert b"content-type: application/json\r\n" in head
        assert b"retry-after: 1\r\n" in head
    assert re.search(rb"\r\nX-Request-ID: [0-9a-f]{32}\r\n", shed[0])


async def test_a_connection_that_was_refused_can_be_used_again() -> None:
    admission = Admission(1, 0, 1.0)
    inner = App()
    inner.gate.set()
    async with served(AdmissionControl(inner, admission, PREFIXES), admission) as port:
        await admission.enter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for status in (b"503", b"503", b"200", b"503"):
            if status == b"200":
                admission.leave()
            elif inner.reached:
                await admission.enter()
            writer.write(request())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head[9:12] == status
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        writer.close()


NOT_PLAIN = {
    "chunked": request(more="Transfer-Encoding: chunked\r\n"),
    "two lengths": request(more="Content-Length: 2\r\n"),
    "no length": b"POST /api/v1/chat/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "a length with a sign": request().replace(b"Length: 2", b"Length: +2"),
    "a body cut short": request()[:-1],
    "two requests": request() * 2,
    "no end of the head": request().split(b"\r\n\r\n")[0],
    "HTTP/1.0": request().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a folded header": request(more="X: a\r\n b\r\n"),
    "expecting": request(more="Expect: 100-continue\r\n"),
    "closing": request(more="connection: close\r\n"),
    "with an id": request(more="x-request-id: mine\r\n"),
    "of another page": request(more="ORIGIN : http://a\r\n"),
    "too long": request(more="X: " + "a" * 20_000 + "\r\n"),
}


@pytest.mark.parametrize("what", NOT_PLAIN)
def test_what_is_not_plain_takes_the_ordinary_way(what: str) -> None:
    assert not is_plain(NOT_PLAIN[what])


def test_what_is_plain_is_known() -> None:
    assert is_plain(request())
    assert is_plain(request(body="x" * 500, more="Accept: */*\r\n"))
