"""Whatever is sent: never a 5xx, always one of the two shapes, and the next request is served."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fakes import serving
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

CHAT = "/api/v1/chat/"
PROBLEM = {"type", "title", "status", "detail", "instance", "error", "timestamp", "code", "request_id", "errors"}
NAUGHTY = Path(__file__).parents[2].parent / "shared/eval/naughty/blns.jsonl"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
known = st.sampled_from(["query", "top_k", "max_tokens", "stream", "conversation_id", "language", "context", "filters"])
bodies = st.dictionaries(known | st.text(max_size=8), json_values | st.just("why?") | st.integers(0, 600), max_size=6)
any_text = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with serving() as running:
        yield running


def check(reply: Any) -> int:
    assert reply.status_code in {200, 400, 403, 404, 405, 413, 415}, reply.text
    assert reply.headers["x-request-id"]
    if reply.status_code != 200:
        assert reply.headers["content-type"] == "application/problem+json"
        assert set(reply.json()) == PROBLEM
        assert all(set(error) == {"field", "message", "limit"} for error in reply.json()["errors"])
    status: int = reply.status_code
    return status


def post(client: TestClient, content: bytes, **headers: str) -> int:
    status = check(client.post(CHAT, content=content, headers={"Content-Type": "application/json"} | headers))
    assert client.get("/livez").status_code == 200
    return status


@settings(max_examples=120, deadline=None)
@given(text=any_text)
def test_any_text_as_a_question(client: TestClient, text: str) -> None:
    status = post(client, json.dumps({"query": text}).encode())
    surrogate = any("\ud800" <= char <= "\udfff" for char in text)
    if surrogate or "\0" in text or not text.strip():
        assert status == 400


@settings(max_examples=120, deadline=None)
@given(body=bodies)
def test_any_object_as_a_body(client: TestClient, body: dict[str, Any]) -> None:
    post(client, json.dumps(body).encode())


@settings(max_examples=80, deadline=None)
@given(value=json_values)
def test_any_json_as_a_body(client: TestClient, value: Any) -> None:
    post(client, json.dumps(value).encode())


@settings(max_examples=80, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_as_a_body(client: TestClient, content: bytes) -> None:
    post(client, content)


header_text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40)


@settings(max_examples=80, deadline=None)
@given(accept=header_text, content_type=header_text, name=header_text, origin=header_text)
def test_any_headers(client: TestClient, accept: str, content_type: str, name: str, origin: str) -> None:
    given = {"Accept": accept, "Content-Type": content_type, "X-Request-ID": name, "Origin": origin}
    headers = [(key.encode(), value.encode("latin-1")) for key, value in given.items()]
    check(client.post(CHAT, content=b'{"query": "x"}', headers=headers))
    check(client.get("/", headers=headers))


@settings(max_examples=80, deadline=None)
@given(path=st.text(max_size=30), method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE"]))
def test_any_path(client: TestClient, path: str, method: str) -> None:
    reply = client.request(method, "http://testserver/" + quote(path, safe="/"), follow_redirects=False)
    assert reply.status_code in {200, 404, 405}


@pytest.mark.skipif(not NAUGHTY.is_file(), reason="the list of naughty strings is not here")
def test_every_naughty_string(client: TestClient) -> None:
    texts = [json.loads(line)["text"] for line in NAUGHTY.read_text(encoding="utf-8").strip().split("\n")]
    assert len(texts) > 500
    answered = 0
    for text in texts:
        body = {
            "query": text,
            "context": {"os": text[:100], "site": text[:100]},
            "filters": {"owner": [text[:100] or "x"]},
        }
        reply = client.post(CHAT, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        if check(reply) == 200:
            answered += 1
            assert reply.json()["query"] == text.strip()
        assert client.get("/livez").status_code == 200
    assert answered > 450
