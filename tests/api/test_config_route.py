from typing import Any

import pytest
from conversation_app import CONFIG, application, as_
from starlette.testclient import TestClient

from app.api import conversation_examples as examples
from app.api.client_config import ClientConfigReport, public_model
from app.api.conversation_schemas import NewConversation, NewExample
from app.api.schemas import ChatRequest


def config(headers: dict[str, str] | None = None) -> Any:
    with TestClient(application()) as client:
        reply = client.get("/api/v1/config", headers=headers or {})
    assert reply.status_code == 200
    return reply.json()


def test_a_client_learns_what_it_needs_and_nothing_else() -> None:
    found = config()
    assert found.keys() == examples.CONFIG.keys()
    assert (found["name"], found["version"], found["max_tokens"], found["reply_tokens"]) == (
        "IT Support",
        "1.2.3",
        2048,
        500,
    )
    assert found["files"] == {"max_size_mb": 5.0, "extensions": ["txt", "pdf"], "chunk_tokens": 1000}
    assert found["languages"] == ["en", "de", "fr", "es"]
    assert (found["features"]["streaming"], found["features"]["websocket"]) == (True, True)
    assert (found["features"]["socketio"], found["features"]["files"]) == (False, False)
    assert found["models"] == {"embedding": "all-MiniLM-L6-v2", "language": "private.gguf"}
    assert "/srv" not in str(found)
    assert config(as_("a")) == found


def test_limits_are_those_that_are_enforced() -> None:
    limits = config()["limits"]
    fields = {**ChatRequest.model_json_schema()["properties"]}
    assert limits["query_length"] == fields["query"]["maxLength"] == 2000
    assert limits["top_k"] == {"minimum": 1, "maximum": 20, "default": 4}
    assert limits["answer_tokens"] == {"minimum": 50, "maximum": 500, "default": 150}
    title = NewConversation.model_json_schema()["properties"]["title"]["anyOf"][0]
    assert limits["title_length"] == title["maxLength"]
    example = NewExample.model_json_schema()["properties"]
    assert limits["example_question_length"] == example["question"]["maxLength"]
    assert limits["example_answer_length"] == example["answer"]["maxLength"]
    operations = application().openapi()["paths"]
    for path in ("/api/v1/conversations", "/api/v1/conversations/search"):
        given = {item["name"]: item["schema"] for item in operations[path]["get"]["parameters"]}
        page = config()["page_size"]
        assert (given["limit"]["minimum"], given["limit"]["maximum"], given["limit"]["default"]) == tuple(page.values())
    assert limits["search_length"] == given["q"]["maxLength"]
    assert (limits["body_kb"], limits["request_seconds"]) == (CONFIG.max_body_kb, CONFIG.request_timeout_seconds)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("SmolLM2-135M-Instruct", "SmolLM2-135M-Instruct"),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
        ("/home/somebody/models/own", "own"),
        ("./models/own.gguf", "own.gguf"),
        ("../own.gguf", "own.gguf"),
        ("data/models/deep/own.gguf", "own.gguf"),
        ("C:\\models\\own.gguf", "own.gguf"),
        ("/home/somebody/models/own/", "own"),
        ("", ""),
    ],
)
def test_models_are_named_without_the_way_to_them(given: str, told: str) -> None:
    assert public_model(given) == told


def test_the_example_holds() -> None:
    ClientConfigReport.model_validate(examples.CONFIG)
