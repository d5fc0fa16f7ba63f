import json
from typing import Any

import pytest
from fakes import Fakes, serving
from starlette.testclient import TestClient

CHAT = "/api/v1/chat/"


def errors(body: Any) -> list[dict[str, Any]]:
    with serving() as client:
        reply = client.post(CHAT, json=body)
    assert reply.status_code == 400, reply.text
    assert reply.json()["code"] == "invalid_input"
    found: list[dict[str, Any]] = reply.json()["errors"]
    return found


@pytest.mark.parametrize(
    ("fields", "field", "message", "limit"),
    [
        ({"query": ""}, "query", "must not be blank", 1),
        ({"query": " \t\n\u3000 "}, "query", "must not be blank", 1),
        ({"query": "\u200b\ufeff\u2060"}, "query", "must not be blank", None),
        ({"query": "x" * 2001}, "query", "must have at most 2000 characters", 2000),
        ({"query": "a\0b"}, "query", "must not contain NUL characters", None),
        ({"query": None}, "query", "must be a string", None),
        ({"query": 7}, "query", "must be a string", None),
        ({"query": ["x"]}, "query", "must be a string", None),
        ({"top_k": 0}, "top_k", "must be at least 1", 1),
        ({"top_k": 21}, "top_k", "must be at most 20", 20),
        ({"top_k": "4"}, "top_k", "must be a whole number", None),
        ({"top_k": 4.0}, "top_k", "must be a whole number", None),
        ({"top_k": True}, "top_k", "must be a whole number", None),
        ({"top_k": None}, "top_k", "must be a whole number", None),
        ({"top_k": 10**30}, "top_k", "must be at most 20", 20),
        ({"max_tokens": 49}, "max_tokens", "must be at least 50", 50),
        ({"max_tokens": 501}, "max_tokens", "must be at most 500", 500),
        ({"stream": "true"}, "stream", "must be true or false", None),
        ({"stream": 1}, "stream", "must be true or false", None),
        ({"conversation_id": "abc"}, "conversation_id", "must be a UUID", None),
        ({"conversation_id": 5}, "conversation_id", "must be a UUID", None),
        ({"language": "it"}, "language", "must be one of en, de, fr or es", "en, de, fr or es"),
        ({"language": ""}, "language", "must be one of en, de, fr or es", "en, de, fr or es"),
        ({"context": "Windows"}, "context", "must be an object", None),
        ({"context": {"os": "x" * 101}}, "context.os", "must have at most 100 characters", 100),
        ({"context": {"site": "a\0"}}, "context.site", "must not contain NUL characters", None),
        ({"context": {"password": "x"}}, "context.password", "is not a known field", None),
        ({"filters": []}, "filters", "must be an object", None),
        ({"filters": {"category": "vpn"}}, "filters.category", "must be a list", None),
        ({"filters": {"category": []}}, "filters.category", "must have at least 1 entries", 1),
        ({"filters": {"category": ["x"] * 11}}, "filters.category", "must have at most 10 entries", 10),
        ({"filters": {"category": ["x" * 101]}}, "filters.category.0", "must have at most 100 characters", 100),
        ({"filters": {"category": [" "]}}, "filters.category.0", "must not be blank", 1),
        ({"filters": {"category": [None]}}, "filters.category.0", "must be a string", None),
        ({"filters": {"$where": ["x"]}}, "filters.(unnamed)", "is not a known field", None),
        ({"extra": 1}, "extra", "is not a known field", None),
        ({"<script>": 1}, "(unnamed)", "is not a known field", None),
        ({"temperature": 2}, "temperature", "is not a known field", None),
    ],
)
def test_a_wrong_field_is_named_with_its_limit(fields: dict[str, Any], field: str, message: str, limit: Any) -> None:
    assert errors({"query": "why?"} | fields) == [{"field": field, "message": message, "limit": limit}]


def test_the_bounds_themselves_are_allowed() -> None:
    with serving() as client:
        for fields in (
            {"query": "x" * 2000, "top_k": 1, "max_tokens": 50},
            {"query": " " + "é" * 2000 + " ", "top_k": 20, "max_tokens": 500},
            {"query": "x", "context": {"os": "x" * 100}, "filters": {"risk": ["x" * 100] * 10}},
        ):
            assert client.post(CHAT, json=fields).status_code == 200


def test_all_wrong_fields_are_named_but_not_without_end() -> None:
    assert {error["field"] for error in errors({"top_k": 0, "stream": 3})} == {"query", "top_k", "stream"}
    assert len(errors({f"f{number}": 1 for number in range(500)})) == 20


def test_what_was_sent_is_never_repeated() -> None:
    with serving() as client:
        reply = client.post(CHAT, json={"query": {"x": "hunter2"}, "top_k": "hunter2", "language": "hunter2"})
    assert reply.status_code == 400
    assert "hunter2" not in reply.text


@pytest.mark.parametrize("body", ["null", "[]", '"text"', "7", "true"])
def test_a_body_must_be_an_object(body: str) -> None:
    with serving() as client:
        reply = raw(client, body.encode())
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (400, "body")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"query": "x",}',
        b"{'query': 'x'}",
        b"\xff\xfe\x00",
        b'{"query": "\xff"}',
        b'{"query": "x"} trailing',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"query": "x", "top_k": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_cannot_be_read_is_a_400(body: bytes) -> None:
    with serving(max_body_kb=1024) as client:
        reply = raw(client, body)
        assert client.post(CHAT, json={"query": "next"}).status_code == 200
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_input")
    assert reply.json()["errors"][0]["field"] == "body"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(value: str) -> None:
    with serving() as client:
        reply = raw(client, f'{{"query": "x", "top_k": {value}}}'.encode())
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (400, "top_k")


def test_a_lone_surrogate_is_refused_where_it_stands() -> None:
    with serving() as client:
        reply = raw(client, rb'{"query": "a\ud800b"}')
        named = raw(client, rb'{"query": "a", "\ud800": 1}')
    assert reply.json()["errors"] == [{"field": "query", "message": "must be valid Unicode text", "limit": None}]
    assert named.status_code == 400


def test_no_body_at_all() -> None:
    with serving() as client:
        reply = client.post(CHAT)
    assert (reply.status_code, reply.json()["errors"]) == (
        400,
        [{"field": "body", "message": "is required", "limit": None}],
    )


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("application/json; boundary=x", 415),
        ("application/json, text/plain", 415),
        ("application/vnd.api+json", 415),
        ("text/json", 415),
        ("text/plain", 415),
        ("text/plain; application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonp", 415),
        ("", 415),
    ],
)
def test_only_json_is_taken(content_type: str, status: int) -> None:
    with serving() as client:
        reply = raw(client, b'{"query": "x"}', content_type)
    assert reply.status_code == status
    assert status == 200 or reply.json()["code"] == "unsupported_media_type"


def test_two_content_types_are_none() -> None:
    with serving() as client:
        headers = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
        assert client.post(CHAT, content=b'{"query": "x"}', headers=headers).status_code == 415


def test_templates_and_markup_are_only_text() -> None:
    fakes = Fakes()
    texts = ["{{7*7}}", "{0.__class__}", "%s%n", "${7*7}", "<script>alert(1)</script>", "'; DROP TABLE x; --"]
    with serving(fakes) as client:
        for text in texts:
            assert client.post(CHAT, json={"query": text}).json()["query"] == text
    assert [question.text for question in fakes.chat.asked] == texts


def raw(client: TestClient, body: bytes, content_type: str = "application/json") -> Any:
    return client.post(CHAT, content=body, headers={"Content-Type": content_type})


def test_the_examples_of_the_schema_are_valid() -> None:
    with serving() as client:
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
        for name in ("ChatRequest", "SearchRequest"):
            path = CHAT if name == "ChatRequest" else "/api/v1/search"
            for example in schemas[name]["examples"]:
                assert client.post(path, json=example).status_code == 200, json.dumps(example)
