"""What cannot be used is refused by name, and leaves everything as it was."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from conversation_app import BASE, Serving, as_, problem, said, serving

from app.api import cursors
from app.domain.conversations import Position

OPERATORS: list[Any] = [{"$ne": ""}, {"$gt": None}, [{"$ne": ""}], {"$where": "1"}, [], 7, True, 1.5]
HUGE = "9" * 400


@pytest.fixture(scope="module")
def desk() -> Iterator[Serving]:
    with serving() as running:
        yield running


@pytest.fixture
def conversation(desk: Serving) -> Iterator[str]:
    begun = desk.begun("untouched")
    desk.talk(begun, said("question", "answer"))
    before = desk.ask("GET", f"/{begun}").json()
    yield begun
    assert desk.ask("GET", f"/{begun}").json() == before
    assert desk.ask("GET", f"/{begun}/examples").json() == {"examples": []}


def refused(reply: Any, field: str) -> str:
    """Return what is said of the one field that is wrong."""
    found = problem(reply, 400, "invalid_input")
    assert [error["field"] for error in found["errors"]] == [field]
    return str(found["errors"][0]["message"])


@pytest.mark.parametrize("value", OPERATORS)
def test_operators_and_other_types_are_no_text(desk: Serving, conversation: str, value: Any) -> None:
    assert "string" in refused(desk.ask("POST", json={"title": value}), "title")
    refused(desk.ask("POST", json={"id": value}), "id")
    assert "string" in refused(desk.ask("PATCH", f"/{conversation}", json={"title": value}), "title")
    place = f"/{conversation}/examples"
    assert "string" in refused(desk.ask("POST", place, json={"question": value, "answer": "a"}), "question")
    assert "string" in refused(desk.ask("POST", place, json={"question": "q", "answer": value}), "answer")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "blank"),
        (" \t\n ", "blank"),
        ("\u200b\u2060", "blank"),
        ("\u200d", "blank"),
        ("\x01\x02", "blank"),
        ("a\0b", "NUL"),
        ("\ud800", "Unicode"),
        ("a\udfffb", "Unicode"),
    ],
)
def test_texts_nobody_can_read(desk: Serving, conversation: str, text: str, why: str) -> None:
    def send(method: str, path: str, **fields: str) -> Any:
        content = json.dumps(fields).encode()
        headers = as_("a") | {"Content-Type": "application/json"}
        return desk.client.request(method, f"{BASE}{path}", content=content, headers=headers)

    assert why in refused(send("POST", "", title=text), "title")
    assert why in refused(send("PATCH", f"/{conversation}", title=text), "title")
    if text != "\u200d" or why != "blank":
        assert why in refused(send("POST", f"/{conversation}/examples", question=text, answer="a"), "question")
        assert why in refused(send("POST", f"/{conversation}/examples", question="q", answer=text), "answer")


def test_texts_have_a_length(desk: Serving, conversation: str) -> None:
    assert desk.ask("POST", json={"title": "x" * 200}).status_code == 201
    assert "200" in refused(desk.ask("POST", json={"title": "x" * 201}), "title")
    assert "200" in refused(desk.ask("PATCH", f"/{conversation}", json={"title": "x" * 201}), "title")
    place = f"/{conversation}/examples"
    assert "2000" in refused(desk.ask("POST", place, json={"question": "x" * 2001, "answer": "a"}), "question")
    assert "4000" in refused(desk.ask("POST", place, json={"question": "q", "answer": "x" * 4001}), "answer")
    assert "200" in refused(desk.ask("GET", "/search", params={"q": "x" * 201}), "q")
    problem(desk.ask("POST", json={"title": "x" * 70_000}), 413, "too_large")


@pytest.mark.parametrize("q", ["", "   ", "\u200b", "a\0b"])
def test_a_search_needs_words(desk: Serving, q: str) -> None:
    refused(desk.ask("GET", "/search", params={"q": q}), "q")


def test_a_search_without_anything_is_refused(desk: Serving) -> None:
    assert refused(desk.ask("GET", "/search"), "q") == "is required"


@pytest.mark.parametrize("limit", ["0", "-1", "101", HUGE, "", "x", "1.5", "NaN", "[$ne]"])
def test_a_page_has_a_length(desk: Serving, conversation: str, limit: str) -> None:
    for path, more in (("", {}), ("/search", {"q": "x"}), (f"/{conversation}", {})):
        refused(desk.ask("GET", path, params={"limit": limit, **more}), "limit")


POSITION = Position(datetime(2026, 11, 21, tzinfo=UTC), "6f1d2c54-3c1b-4a7e-9f0e-2b8a6d3c9e11")
GARBAGE = [
    "",
    "x",
    "????",
    "=",
    "a\0b",
    "ä",
    "🙂",
    "-1",
    cursors.of_position(POSITION) + "=",
    cursors.of_position(POSITION)[:-2],
    cursors._packed(f"-1.{POSITION.id}"),
    cursors._packed(f"{10**18}.{POSITION.id}"),
    cursors._packed("1.no-uuid"),
    cursors._packed("1.{'$ne': ''}"),
    cursors._packed("-1"),
    cursors._packed(str(2**31 + 1)),
    cursors._packed("9" * 50),
    "A" * 121,
]


@pytest.mark.parametrize("cursor", GARBAGE)
def test_what_is_no_cursor_is_refused(desk: Serving, conversation: str, cursor: str) -> None:
    refused(desk.ask("GET", params={"cursor": cursor}), "cursor")
    refused(desk.ask("GET", f"/{conversation}", params={"before": cursor}), "before")


def test_cursors_of_another_kind_are_refused(desk: Serving, conversation: str) -> None:
    refused(desk.ask("GET", params={"cursor": cursors.of_count(3)}), "cursor")
    refused(desk.ask("GET", f"/{conversation}", params={"before": cursors.of_position(POSITION)}), "before")


@pytest.mark.parametrize(
    "given",
    ["x", "6f1d2c54-3c1b-4a7e-9f0e", "{'$ne': ''}", "%00", "..%2f..%2f", "6f1d2c54-3c1b-4a7e-9f0e-2b8a6d3c9e11x"],
)
def test_malformed_ids_are_refused(desk: Serving, conversation: str, given: str) -> None:
    place = f"/{given}"
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", place, {}),
        ("PATCH", place, {"json": {"title": "x"}}),
        ("DELETE", place, {}),
        ("POST", f"{place}/reset", {}),
        ("GET", f"{place}/export", {}),
        ("GET", f"{place}/examples", {}),
        ("POST", f"{place}/examples", {"json": {"question": "q", "answer": "a"}}),
        ("DELETE", f"{place}/examples/{uuid4()}", {}),
        ("DELETE", f"/{conversation}/examples/{given}", {}),
    ]
    for method, path, more in requests:
        reply = desk.ask(method, path, **more)
        if "%2f" in given:
            assert reply.status_code in {400, 404, 405}
        else:
            assert reply.status_code == 400, (method, path)
            assert reply.json()["errors"][0]["message"] == "must be a UUID"


@pytest.mark.parametrize("form", ["", "xml", "JSON", "../csv", "json\0"])
def test_unknown_formats_are_refused(desk: Serving, conversation: str, form: str) -> None:
    assert "json" in refused(desk.ask("GET", f"/{conversation}/export", params={"format": form}), "format")


def test_unknown_fields_and_other_bodies_are_refused(desk: Serving, conversation: str) -> None:
    refused(desk.ask("POST", json={"owner": "b"}), "owner")
    refused(desk.ask("PATCH", f"/{conversation}", json={"title": "x", "user_id": "b"}), "user_id")
    refused(desk.ask("PATCH", f"/{conversation}", json={}), "title")
    problem(desk.ask("PATCH", f"/{conversation}"), 400, "invalid_input")
    problem(desk.ask("PATCH", f"/{conversation}", content="title=x"), 415, "unsupported_media_type")
    problem(desk.ask("POST", data={"title": "x"}), 415, "unsupported_media_type")
    problem(desk.ask("POST", json=[1]), 400, "invalid_input")
    problem(desk.ask("PUT", f"/{conversation}", json={}), 405, "method_not_allowed")


def test_a_wrong_key_is_refused_everywhere(desk: Serving, conversation: str) -> None:
    place = f"/{conversation}"
    for method, path in [("GET", ""), ("DELETE", "?confirm=true"), ("GET", place), ("GET", f"{place}/export")]:
        problem(desk.ask(method, path, owner="nobody"), 401, "not_identified")
    assert desk.client.get("/api/v1/config", headers=as_("nobody")).status_code == 401
