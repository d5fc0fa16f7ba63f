"""What happens to every request around its route."""

import logging
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import Fakes, application, listening, serving
from starlette.testclient import TestClient

from app.api.middleware import StripHeaders
from app.api.middleware.headers import DOCS_POLICY, PAGE_POLICY

CHAT = "/api/v1/chat/"
PATHS = ["/", "/health", "/livez", "/readyz", "/docs", "/redoc", "/openapi.json", "/api/v1/chat/health"]
SOME = [
    ("GET", "/"),
    ("GET", "/nope"),
    ("POST", CHAT),
    ("PUT", "/health"),
    ("GET", "/static/chat.css"),
    ("GET", "/docs"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with serving() as running:
        yield running


@pytest.mark.parametrize(("method", "path"), SOME)
def test_every_response_has_an_id_and_the_security_headers(client: TestClient, method: str, path: str) -> None:
    first, second = client.request(method, path), client.request(method, path)
    assert re.fullmatch("[0-9a-f]{32}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["x-frame-options"] == "DENY"
    assert first.headers["referrer-policy"] == "no-referrer"
    assert first.headers["content-security-policy"] == (DOCS_POLICY if path == "/docs" else PAGE_POLICY)


def test_the_policy_of_the_pages_allows_nothing_from_elsewhere() -> None:
    rules = dict(rule.split(" ", 1) for rule in PAGE_POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in PAGE_POLICY
    assert "http" not in PAGE_POLICY + DOCS_POLICY


@pytest.mark.parametrize("name", ["abc-DEF_1.2", "x", "9" * 128])
def test_a_sane_id_is_kept(client: TestClient, name: str) -> None:
    reply = client.get("/nope", headers={"X-Request-ID": name})
    assert reply.headers["x-request-id"] == reply.json()["request_id"] == name


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, "é", "<script>", "a,b", "a\tb"])
def test_an_id_that_is_not_sane_is_replaced(client: TestClient, name: str) -> None:
    kept = client.get("/livez", headers=[(b"X-Request-ID", name.encode("latin-1"))]).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", kept)


def test_line_breaks_in_headers_go_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    with listening(Fakes()) as port, caplog.at_level(logging.INFO):
        for header in (b"X-Request-ID: a\nX-Evil: 1", b"X-Request-ID: a\r\n\tX-Evil: 1", b"X-Request-ID: a\rX-Evil: 1"):
            reply = exchange(port, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n")
            assert b"evil" not in reply.lower()
        assert exchange(port, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(
            b"HTTP/1.1 200"
        )
    assert "evil" not in caplog.text.lower()


def exchange(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(request)
        return b"".join(iter(lambda: sock.recv(4096), b""))


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/"])
def test_a_slash_at_the_end_makes_no_difference(client: TestClient, path: str) -> None:
    with_slash = client.get(f"{path}/", follow_redirects=False)
    without = client.get(path, follow_redirects=False)
    assert with_slash.status_code == without.status_code == 200
    assert with_slash.headers["content-type"] == without.headers["content-type"]
    assert with_slash.headers["content-security-policy"] == without.headers["content-security-policy"]


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_the_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]
    assert abs(int(head.headers["content-length"]) - int(get.headers["content-length"])) < 10


def test_head_in_a_real_server() -> None:
    with listening(Fakes()) as port:
        reply = exchange(port, b"HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200")
    assert reply.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("HEAD", CHAT, "POST"),
        ("DELETE", "/api/v1/chat", "POST"),
        ("OPTIONS", CHAT, "POST"),
        ("POST", "/health", "GET, HEAD"),
        ("BREW", "/livez", "GET, HEAD"),
        ("POST", "/static/chat.css", "GET, HEAD"),
        ("PUT", "/docs", "GET, HEAD"),
    ],
)
def test_other_methods_are_told_which_are_allowed(client: TestClient, method: str, path: str, allowed: str) -> None:
    reply = client.request(method, path)
    assert (reply.status_code, reply.headers["allow"]) == (405, allowed)
    assert method == "HEAD" or reply.json()["code"] == "method_not_allowed"


UNKNOWN = """/nope /api/v1 /api/v1/nope /static/ /static/../application.py /static/%2e%2e/templates/chat.html
/static/nope.js /HEALTH /%00 /é /livez/x /livez//"""


@pytest.mark.parametrize("path", UNKNOWN.split())
def test_unknown_paths(client: TestClient, path: str) -> None:
    reply = client.get(path, follow_redirects=False)
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
    assert reply.json()["detail"] == "There is nothing at this path."


def test_the_access_log_has_one_line_and_no_question(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as client, caplog.at_level(logging.INFO, "app.access"):
        client.post("/api/v1/chat?token=hunter2", json={"query": "hunter2"})
        client.get("/hunter2%0d%0afake line")
        client.head("/static/chat.css")
        client.request("BREW", "/health/")
    rows = [vars(record) for record in caplog.records if record.name == "app.access"]
    assert [(row["msg"], row["method"], row["route"], row["status"]) for row in rows] == [
        ("request", "POST", "/api/v1/chat/", 200),
        ("request", "GET", "-", 404),
        ("request", "HEAD", "/static/{path}", 200),
        ("request", "BREW", "/health", 405),
    ]
    assert all(0 <= row["ms"] < 5000 for row in rows)
    assert not any("hunter2" in str(row) for row in rows)


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_forwarded_hosts_are_taken_away(kind: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["headers"])

    headers = [(b"host", b"a"), (b"x-forwarded-host", b"evil"), (b"X-Forwarded-Host", b"evil")]
    await StripHeaders(app, names=("X-Forwarded-Host",))({"type": kind, "headers": headers}, None, None)  # type: ignore[arg-type]
    assert seen == [[(b"host", b"a")]]


def test_an_error_after_the_response_began_ends_the_connection() -> None:
    fakes = Fakes()
    app = application(fakes)

    @app.get("/half")
    async def half() -> Any:
        from starlette.responses import StreamingResponse  # noqa: PLC0415

        async def body() -> Any:
            yield b"a"
            raise RuntimeError("boom")

        return StreamingResponse(body())

    with TestClient(app) as client, pytest.raises(RuntimeError, match="boom"):
        client.get("/half")
