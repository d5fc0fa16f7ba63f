"""What the OpenAPI document says of documents and jobs."""

from collections.abc import Iterator
from typing import Any

import pytest
from document_app import application

from app.api import document_examples as examples
from app.api.document_inputs import JsonDocument, JsonDocuments
from app.api.document_schemas import DocumentReport, JobReport

SCHEMA = application().openapi()
OPERATIONS = {
    f"{method.upper()} {path.removeprefix('/api/v1/documents')}": operation
    for path, operations in SCHEMA["paths"].items()
    for method, operation in operations.items()
}
PROBLEM = "application/problem+json"


def test_these_are_the_operations() -> None:
    assert {name: operation["operationId"] for name, operation in OPERATIONS.items()} == {
        "POST ": "add_documents",
        "GET ": "list_documents",
        "DELETE ": "delete_documents",
        "GET /jobs": "list_jobs",
        "GET /jobs/{job_id}": "get_job",
        "DELETE /jobs/{job_id}": "cancel_job",
        "GET /jobs/{job_id}/events": "follow_job",
        "POST /jobs/{job_id}/retry": "retry_job",
        "GET /{document_id}": "get_document",
        "GET /{document_id}/content": "get_content",
        "PUT /{document_id}": "replace_document",
        "DELETE /{document_id}": "delete_document",
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_described_with_its_errors_and_its_key(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert operation["security"] == [{"HTTPBearer": []}]
    assert {"400", "401", "403", "503", "504"} <= set(operation["responses"])
    assert "422" not in operation["responses"]
    for status, response in operation["responses"].items():
        assert response["description"]
        if int(status) >= 400:
            assert list(response["content"]) == [PROBLEM]
            wanted = "/ConflictProblem" if status == "409" else "/Problem"
            assert response["content"][PROBLEM]["schema"]["$ref"].endswith(wanted)


def unbounded(schema: dict[str, Any], place: str) -> Iterator[str]:
    """Yield every place in what a client may send that has no bound."""
    for part in schema.get("anyOf", ()):
        yield from unbounded(part, place)
    kind = schema.get("type")
    if kind == "string" and not ({"maxLength", "enum", "const"} & set(schema) or schema.get("format") == "uuid"):
        yield place
    if kind == "integer" and not {"minimum", "maximum"} <= set(schema):
        yield place
    if kind == "array":
        if "maxItems" not in schema:
            yield place
        yield from unbounded(schema["items"], f"{place}[]")
    if kind == "object":
        if schema.get("additionalProperties") is not False:
            yield place
        for name, property_ in schema["properties"].items():
            yield from unbounded(property_, f"{place}.{name}")


def test_nothing_a_client_may_send_is_unbounded() -> None:
    bodies = 0
    for name, operation in OPERATIONS.items():
        for kind, body in operation.get("requestBody", {}).get("content", {}).items():
            bodies += 1
            assert list(unbounded(body["schema"], f"{name} {kind}")) == []
            assert body["schema"]["type"] == "object"
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            if "$ref" in schema:
                schema = SCHEMA["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
            assert list(unbounded(schema, f"{name} {parameter['name']}")) == []
            assert parameter["name"].endswith("_id") or parameter["description"]
    assert bodies == 4


def test_every_field_is_described() -> None:
    for name, schema in SCHEMA["components"]["schemas"].items():
        for field, property_ in schema.get("properties", {}).items():
            assert "$ref" in property_ or property_.get("description"), f"{name}.{field}"


def test_the_examples_hold() -> None:
    JsonDocuments.model_validate({"documents": [examples.DOCUMENT]})
    JsonDocument.model_validate(examples.REPLACEMENT)
    DocumentReport.model_validate(examples.REPORT)
    JobReport.model_validate(examples.JOB)
    assert SCHEMA["components"]["schemas"]["JobReport"]["examples"][0]["id"] == examples.JOB["id"]
    stream = OPERATIONS["GET /jobs/{job_id}/events"]["responses"]["200"]["content"]["text/event-stream"]
    assert stream["example"] == examples.EVENTS
