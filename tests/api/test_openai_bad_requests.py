"""Whatever is sent to the completions: never a 5xx, always one of the two shapes, and the next request is served."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import Fakes, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

COMPLETIONS = "/v1/chat/completions"
ASKED = {"role": "user", "content": "why?"}
BODY: dict[str, Any] = {"model": "it-support", "messages": [ASKED]}
NAUGHTY = Path(__file__).parents[2].parent / "shared/eval/naughty/blns.jsonl"
FIELDS = [
    *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "store", "temperature"),
    *("top_p", "presence_penalty", "frequency_penalty", "seed", "stop", "user", "n", "response_format", "tools"),
    *("functions", "logprobs", "modalities"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with serving() as running:
        yield running


def post(client: TestClient, body: Any) -> tuple[int, dict[str, Any]]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = client.post(COMPLETIONS, content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code in {200, 400, 404}, reply.text
    assert reply.headers["x-request-id"]
    if reply.status_code == 200:
        return 200, {}
    assert reply.headers["content-type"] == "application/json"
    error: dict[str, Any] = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    return reply.status_code, error


def user(content: Any) -> dict[str, Any]:
    return {"messages": [ASKED, {"role": "assistant", "content": "x"}, {"role": "user", "content": content}]}


PARTS = "messages[2].content must be text, or a list of at most 100 text parts"


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"model": None}, "model", "model must be a string"),
        ({"model": ""}, "model", "model must not be blank"),
        ({"model": "x" * 201}, "model", "model must have at most 200 characters"),
        ({"messages": []}, "messages", "messages must have at least 1 entries"),
        ({"messages": [ASKED] * 201}, "messages", "messages must have at most 200 entries"),
        ({"messages": "why?"}, "messages", "messages must be a list"),
        ({"messages": ["why?"]}, "messages[0]", "messages[0] must be an object"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "messages[0].role is required"),
        ({"messages": [ASKED | {"role": "system"}]}, "messages", "messages must hold a message of the role user"),
        (user(""), "messages[2].content", "messages[2].content must not be blank"),
        (user(None), "messages[2].content", "messages[2].content must not be blank"),
        (user([]), "messages[2].content", "messages[2].content must not be blank"),
        (user("\u200b\ufeff"), "messages[2].content", "messages[2].content must not be blank"),
        (user("x" * 2001), "messages[2].content", "messages[2].content must have at most 2000 characters"),
        (user("a\0b"), "messages[2].content", "messages[2].content must not contain NUL characters"),
        (user("a\ud800b"), "messages[2].content", "messages[2].content must be valid Unicode text"),
        (user([{"type": "text", "text": "a\ud800b"}]), "messages[2].content", None),
        (user(7), "messages[2].content", "messages[2].content must be a string"),
        (user({"text": "x"}), "messages[2].content", "messages[2].content must be a string"),
        (user(["x"]), "messages[2].content", PARTS),
        (user([{"type": "text"}]), "messages[2].content", PARTS),
        (user([{"type": "text", "text": 1}]), "messages[2].content", PARTS),
        (user([{"type": "image_url", "image_url": {"url": "http://x/"}}]), "messages[2].content", PARTS),
        (user([{"type": "text", "text": "x"}] * 101), "messages[2].content", PARTS),
        (
            {"messages": [ASKED | {"content": "x" * 40_000}] * 2 + [ASKED]},
            "messages",
            "messages must hold at most 65536 bytes of text in all",
        ),
        ({"messages": [ASKED | {"content": "x" * 65_537}, ASKED]}, "messages[0].content", None),
        ({"stream": "true"}, "stream", "stream must be true or false"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage", None),
        ({"max_tokens": 0}, "max_tokens", "max_tokens must be at least 1"),
        ({"max_completion_tokens": 10**7}, "max_completion_tokens", None),
        ({"max_tokens": 1.5}, "max_tokens", "max_tokens must be a whole number"),
        ({"temperature": 2.1}, "temperature", "temperature must be at most 2.0"),
        ({"temperature": "1"}, "temperature", "temperature must be a number"),
        ({"temperature": float("nan")}, "temperature", None),
        ({"temperature": 10**400}, "temperature", None),
        ({"top_p": -0.1}, "top_p", "top_p must be at least 0.0"),
        ({"presence_penalty": 3}, "presence_penalty", None),
        ({"frequency_penalty": -3}, "frequency_penalty", None),
        ({"seed": 2**63}, "seed", None),
        ({"stop": ["x"] * 5}, "stop", "stop must have at most 4 entries"),
        ({"stop": [1]}, "stop[0]", "stop[0] must be a string"),
        ({"user": "x" * 513}, "user", "user must have at most 512 characters"),
        ({"n": 2}, "n", "n must be at most 1"),
        ({"tools": [{"type": "function"}]}, "tools", "tools is not supported by this service"),
        ({"functions": [{}]}, "functions", "functions is not supported by this service"),
        ({"response_format": {"type": "json_object"}}, "response_format", None),
        ({"logprobs": True}, "logprobs", "logprobs is not supported by this service"),
        ({"modalities": ["text", "audio"]}, "modalities", "modalities is not supported by this service"),
        ({"more": {f"f{at}": 1 for at in range(1001)}}, "body", "body must not hold objects of more than 1000 fields"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, fields: dict[str, Any], param: str, message: str | None) -> None:
    status, error = post(client, BODY | fields)
    assert (status, error["param"], error["code"]) == (400, param, "invalid_input")
    assert error["message"] == message or (message is None and error["message"].startswith(param))


def test_several_wrong_fields_are_told_at_once_but_never_their_values(client: TestClient) -> None:
    _, error = post(client, BODY | {"n": "hunter2", "tools": ["hunter2"], "stream": "hunter2"})
    assert {part.split(" ")[0] for part in error["message"].split("; ")} == {"n", "tools", "stream"}
    assert "hunter2" not in str(error)
    _, error = post(client, BODY | {name: "x" for name in FIELDS if name not in {"model", "user", "stop"}})
    assert error["message"].count(";") == 4


def test_another_model_is_not_found(client: TestClient) -> None:
    status, error = post(client, BODY | {"model": "gpt-4o<script>"})
    assert (status, error["param"], error["code"]) == (404, "model", "model_not_found")
    assert "script" not in error["message"]


@pytest.mark.parametrize("nest", [lambda inner: [inner], lambda inner: {"x": inner}], ids=["lists", "objects"])
def test_what_is_not_known_may_not_be_nested_without_end(client: TestClient, nest: Any) -> None:
    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = nest(value)
        return value

    assert post(client, BODY | {"more": nested(31)})[0] == 200
    status, error = post(client, BODY | {"more": nested(32)})
    assert (status, error["param"], error["message"]) == (400, "body", "body must not be nested deeper than 32")
    assert post(client, BODY | {"more": nested(900)})[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"null", b"[]", b'"text"', b"7", b"\xff\xfe\x00", b'{"model": "\xff"}', b"[" * 100_000),
        b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
        b'{"model": "it-support", "messages": [], "seed": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_cannot_be_read(client: TestClient, body: bytes) -> None:
    status, error = post(client, body)
    assert (status, error["param"]) == (400, "body")
    assert post(client, BODY)[0] == 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system", "x"]), "content": json_values}),
    max_size=4,
)
any_text = st.text(st.characters(exclude_categories=()), max_size=60)


@settings(max_examples=150, deadline=None)
@given(fields=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), json_values | messages, max_size=6))
def test_any_fields(client: TestClient, fields: dict[str, Any]) -> None:
    post(client, BODY | fields)
    post(client, fields)


@settings(max_examples=100, deadline=None)
@given(text=any_text)
def test_any_text(client: TestClient, text: str) -> None:
    status, _ = post(client, BODY | {"messages": [ASKED | {"content": text}]})
    if any("\ud800" <= char <= "\udfff" for char in text) or "\0" in text or not text.strip():
        assert status == 400
    post(client, BODY | {"model": text, "user": text, "stop": [text], text: text})


@pytest.mark.skipif(not NAUGHTY.is_file(), reason="the list of naughty strings is not here")
def test_every_naughty_string() -> None:
    texts = [json.loads(line)["text"] for line in NAUGHTY.read_text(encoding="utf-8").strip().split("\n")]
    fakes = Fakes()
    with serving(fakes) as client:
        for text in texts:
            earlier = {"role": "assistant", "content": text, "name": text}
            post(client, BODY | {"messages": [earlier, ASKED | {"content": text}], "user": text[:512], "stop": text})
    assert len(fakes.chat.asked) > 450
