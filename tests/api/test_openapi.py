from collections.abc import Iterator
from typing import Any

import pytest
from fakes import Fakes, application

SCHEMA = application(Fakes()).openapi()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, operations in SCHEMA["paths"].items()
    for method, operation in operations.items()
]
PROBLEM = "application/problem+json"


def test_these_are_the_operations() -> None:
    assert {name: operation["operationId"] for name, operation in OPERATIONS} == {
        "GET /": "root",
        "GET /health": "health",
        "GET /readyz": "ready",
        "GET /livez": "alive",
        "POST /v1/chat/completions": "complete",
        "GET /v1/models": "list_models",
        "GET /v1/models/{model}": "get_model",
        "POST /api/v1/chat/": "ask",
        "GET /api/v1/chat/health": "chat_health",
        "POST /api/v1/search": "search",
        "POST /api/v1/conversations": "create_conversation",
        "GET /api/v1/conversations": "list_conversations",
        "DELETE /api/v1/conversations": "erase_conversations",
        "GET /api/v1/conversations/search": "search_conversations",
        "GET /api/v1/conversations/{conversation_id}": "get_conversation",
        "PATCH /api/v1/conversations/{conversation_id}": "rename_conversation",
        "DELETE /api/v1/conversations/{conversation_id}": "delete_conversation",
        "POST /api/v1/conversations/{conversation_id}/reset": "reset_conversation",
        "GET /api/v1/conversations/{conversation_id}/export": "export_conversation",
        "POST /api/v1/conversations/{conversation_id}/examples": "add_example",
        "GET /api/v1/conversations/{conversation_id}/examples": "list_examples",
        "DELETE /api/v1/conversations/{conversation_id}/examples/{example_id}": "delete_example",
        "POST /api/v1/files": "analyse_file",
        "GET /api/v1/files": "list_files",
        "DELETE /api/v1/files/{file_id}": "delete_file",
        "GET /api/v1/config": "get_config",
        "GET /api/v1/documents/jobs": "list_jobs",
        "GET /api/v1/documents/jobs/{job_id}": "get_job",
        "DELETE /api/v1/documents/jobs/{job_id}": "cancel_job",
        "GET /api/v1/documents/jobs/{job_id}/events": "follow_job",
        "POST /api/v1/documents/jobs/{job_id}/retry": "retry_job",
        "POST /api/v1/documents": "add_documents",
        "GET /api/v1/documents": "list_documents",
        "DELETE /api/v1/documents": "delete_documents",
        "GET /api/v1/documents/{document_id}": "get_document",
        "PUT /api/v1/documents/{document_id}": "replace_document",
        "DELETE /api/v1/documents/{document_id}": "delete_document",
        "GET /api/v1/documents/{document_id}/content": "get_content",
        "GET /api/v1/releases": "list_releases",
        "GET /api/v1/releases/diff": "compare_releases",
        "POST /api/v1/releases/rollback": "roll_back",
        "POST /api/v1/releases/{release}/activate": "activate_release",
        "POST /api/v1/sessions": "begin",
        "DELETE /api/v1/sessions": "end_all",
        "GET /api/v1/sessions/current": "current",
        "DELETE /api/v1/sessions/current": "end",
    }


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_operation_is_described(name: str, operation: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in SCHEMA["tags"]}
    assert set(operation["tags"]) <= tags
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert "422" not in operation["responses"]
    for status, response in operation["responses"].items():
        assert response["description"]
        if int(status) >= 400:
            media, shape = ("application/json", "/OpenAIFailure") if " /v1/" in name else (PROBLEM, "Problem")
            assert list(response["content"]) == [media]
            assert response["content"][media]["schema"]["$ref"].endswith(shape)
        assert ("Retry-After" in response.get("headers", {})) == (status == "503")


def test_posts_declare_what_may_go_wrong() -> None:
    posts = {name: set(operation["responses"]) for name, operation in OPERATIONS if name.startswith("POST")}
    assert posts["POST /api/v1/chat/"] == {"200", "400", "404", "413", "415", "503", "504"}
    assert posts["POST /v1/chat/completions"] == posts["POST /api/v1/chat/"]
    assert posts["POST /api/v1/search"] == {"200", "400", "413", "415", "503", "504"}


def test_the_stream_is_described_beside_the_answer() -> None:
    content = SCHEMA["paths"]["/api/v1/chat/"]["post"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"]["$ref"].endswith("/ChatAnswer")
    assert "final_answer" in content["text/event-stream"]["example"]
    content = SCHEMA["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"]["$ref"].endswith("/Completion")
    assert content["text/event-stream"]["example"].endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(
    "name", ["ChatRequest", "SearchRequest", "ChatAnswer", "SearchAnswer", "CompletionRequest", "Completion"]
)
def test_requests_and_responses_have_examples(name: str) -> None:
    assert SCHEMA["components"]["schemas"][name]["examples"]


def test_every_field_is_described() -> None:
    for name, schema in SCHEMA["components"]["schemas"].items():
        for field, property_ in schema.get("properties", {}).items():
            referred = "$ref" in property_
            assert referred or property_.get("description") or "const" in property_, f"{name}.{field}"


def test_nothing_of_fastapi_s_own_errors_is_left() -> None:
    assert {"Problem", "FieldError"} <= set(SCHEMA["components"]["schemas"])
    assert "HTTPValidationError" not in str(SCHEMA)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SCHEMA["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def unbounded(schema: dict[str, Any], place: str) -> Iterator[str]:
    """Yield every place in what a client may send that has no bound."""
    schema = resolve(schema)
    for part in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from unbounded(part, place)
    kind = schema.get("type")
    if kind == "string" and not ({"maxLength", "enum", "const"} & set(schema) or schema.get("format") == "uuid"):
        yield place
    if kind in {"integer", "number"} and not {"minimum", "maximum"} <= set(schema):
        yield place
    if kind == "array":
        if "maxItems" not in schema:
            yield place
        yield from unbounded(schema["items"], f"{place}[]")
    if kind == "object":
        if schema.get("additionalProperties") is not False and "maxProperties" not in schema:
            yield place
        for name, property_ in schema.get("properties", {}).items():
            yield from unbounded(property_, f"{place}.{name}")
    if kind is None and not ({"anyOf", "allOf", "enum", "const"} & set(schema)):
        yield place


def test_nothing_a_client_may_send_is_unbounded() -> None:
    seen = 0
    for name, operation in OPERATIONS:
        bodies = operation.get("requestBody", {}).get("content", {})
        assert set(bodies) <= {"application/json", "multipart/form-data"}
        for body in bodies.values():
            seen += 1
            assert list(unbounded(body["schema"], name)) == []
        for parameter in operation.get("parameters", ()):
            assert list(unbounded(parameter["schema"], f"{name} {parameter['name']}")) == []
    assert seen == 11


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "integer", "minimum": 1},
        {"type": "array", "items": {"type": "boolean"}},
        {"type": "array", "maxItems": 2, "items": {"type": "string"}},
        {"type": "object", "properties": {}},
        {"type": "object", "additionalProperties": False, "properties": {"a": {"anyOf": [{"type": "string"}]}}},
        {},
    ],
)
def test_the_lint_finds_what_is_unbounded(schema: dict[str, Any]) -> None:
    assert list(unbounded(schema, "x"))


def test_the_document_is_made_once() -> None:
    app = application(Fakes())
    assert app.openapi() is app.openapi()
