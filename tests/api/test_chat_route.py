import json
from dataclasses import replace
from typing import Any

import pytest
from fakes import CONVERSATION, FakeChat, Fakes, refused, serving
from starlette.testclient import TestClient

from app.api.reports import NOT_STORED
from app.domain.conversations import Device

CHAT = "/api/v1/chat/"


def ask(client: TestClient, **body: Any) -> Any:
    return client.post(CHAT, json={"query": "My VPN says 809"} | body)


def test_the_answer_is_exactly_the_contract() -> None:
    with serving() as client:
        reply = ask(client, conversation_id=CONVERSATION, language="en")
    assert reply.status_code == 200
    result = {
        "subject": "VPN error 809: remote server is not responding",
        "answer": "Open UDP ports **500** and `4500`.",
        "score": 0.93,
        "metadata": {
            "document_id": "vpn-error-809",
            "passage_id": "vpn-error-809#2",
            "kind": "article",
            "language": "en",
            "category": "vpn",
            "platform": ["windows"],
            "risk": "admin",
        },
        "warnings": ["version_mismatch", "other_platform"],
        "duplicates": ["vpn-809-copy"],
    }
    body = reply.json()
    assert body.pop("search_results")[0] == result
    assert body == {
        "response": "1. Open UDP ports **500** and `4500`. [1]",
        "query": "My VPN says 809",
        "context_used": True,
        "warnings": ["version_mismatch", "other_platform"],
        "processing_time": 0.0412,
        "timestamp": "2026-11-21T09:30:00Z",
        "conversation_id": CONVERSATION,
        "message_id": "m-1",
        "outcome": "answered",
        "answerability": 0.91,
        "citations": [
            {
                "number": 1,
                "document_id": "vpn-error-809",
                "passage_id": "vpn-error-809#2",
                "title": "VPN error 809",
                "quote": "Open UDP ports 500 and 4500.",
            }
        ],
        "grounding": {"method": "extract", "sentences": 1, "grounded": 1, "dropped": 0, "fallback": False},
        "usage": {"prompt_tokens": 14, "completion_tokens": 19, "total_tokens": 33},
        "model": "extract",
        "degraded": False,
        "cached": False,
        "persisted": True,
        "language": "en",
    }


def test_no_context_is_a_normal_answer() -> None:
    with serving(Fakes(chat=FakeChat(reply=refused))) as client:
        body = ask(client).json()
    assert (body["outcome"], body["context_used"], body["citations"]) == ("no_context", False, [])


def test_nothing_internal_is_told() -> None:
    with serving() as client:
        text = ask(client).text
    assert "secret/place" not in text
    assert "internal" not in text
    assert "reviewed" not in text


def test_defaults_and_trimming_reach_the_service() -> None:
    fakes = Fakes()
    with serving(fakes) as client:
        assert client.post(CHAT, json={"query": "  why?\n"}).json()["query"] == "why?"
    question = fakes.chat.asked[0]
    assert (question.text, question.top_k, question.max_tokens) == ("why?", 4, 150)
    assert (question.owner, question.conversation_id, question.language) == ("anonymous", None, None)
    assert question.device == Device()
    assert not question.filters


def test_everything_given_reaches_the_service() -> None:
    fakes = Fakes()
    with serving(fakes) as client:
        reply = ask(
            client,
            top_k=20,
            max_tokens=500,
            conversation_id=CONVERSATION.upper(),
            language="de",
            context={"os": " Windows 11 ", "app": "Outlook", "version": "16", "site": "Berlin"},
            filters={"category": ["vpn", "vpn"], "kind": ["article"]},
        )
    assert reply.status_code == 200
    question = fakes.chat.asked[0]
    assert (question.top_k, question.max_tokens, question.language) == (20, 500, "de")
    assert question.conversation_id == CONVERSATION
    assert question.device == Device("Windows 11", "Outlook", "16", "Berlin")
    assert question.filters.must == {"category": frozenset({"vpn"}), "kind": frozenset({"article"})}


@pytest.mark.parametrize("null", ["conversation_id", "language", "context", "filters"])
def test_optional_fields_may_be_null(null: str) -> None:
    with serving() as client:
        assert ask(client, **{null: None}).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/chat", "/api/v1/chat/"])
def test_both_paths_answer_without_a_redirect(path: str) -> None:
    with serving() as client:
        assert client.post(path, json={"query": "x"}, follow_redirects=False).status_code == 200


def test_the_prefix_is_a_setting() -> None:
    with serving(api_v1_prefix="/support/v1") as client:
        assert client.post("/support/v1/chat", json={"query": "x"}).status_code == 200
        assert client.post(CHAT, json={"query": "x"}).status_code == 404


def test_search_returns_the_same_evidence() -> None:
    fakes = Fakes()
    with serving(fakes) as client:
        found = client.post("/api/v1/search/", json={"query": " 809 ", "top_k": 1, "filters": {"owner": ["net"]}})
        told = ask(client).json()["search_results"]
    body = found.json()
    assert body["search_results"] == told[:1]
    assert (body["query"], body["sufficient"], body["answerability"], body["release"]) == ("809", True, 0.91, "r1")
    assert 0 <= body["processing_time"] < 5
    assert body["timestamp"].endswith("Z")
    assert fakes.search.asked[0].filters.must == {"owner": frozenset({"net"})}


def test_search_takes_no_fields_of_chat() -> None:
    with serving() as client:
        reply = client.post("/api/v1/search", json={"query": "x", "max_tokens": 100})
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (400, "max_tokens")


def test_a_rounding_error_is_not_an_error() -> None:
    def reply(question: Any) -> Any:
        full = refused(question)
        return replace(full, answerability=1.0000001, hits=tuple(replace(hit, score=-1e-9) for hit in full.hits))

    with serving(Fakes(chat=FakeChat(reply=reply))) as client:
        assert ask(client).json()["answerability"] == 1.0


def test_answers_are_json_in_utf_8() -> None:
    with serving() as client:
        reply = client.post(CHAT, content=json.dumps({"query": "Drucker läuft nicht 🖨"}, ensure_ascii=False).encode(),
                            headers={"Content-Type": 'application/json; charset="UTF-8"'})  # fmt: skip
    assert reply.json()["query"] == "Drucker läuft nicht 🖨"


@pytest.mark.parametrize(("persisted", "warning"), [(True, None), (False, NOT_STORED)])
def test_an_answer_that_was_not_stored_says_so(*, persisted: bool, warning: str | None) -> None:
    fakes = Fakes(chat=FakeChat(reply=lambda question: replace(refused(question), persisted=persisted)))
    with serving(fakes) as client:
        reply = ask(client)
    assert (reply.status_code, reply.json()["persisted"], reply.headers.get("warning")) == (200, persisted, warning)
