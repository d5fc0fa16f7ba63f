"""What the OpenAPI document says of conversations."""

from typing import Any

import pytest
from conversation_app import application
from test_openapi import unbounded

from app.api import conversation_examples as examples
from app.api import conversation_schemas as schemas
from app.api.conversation_openapi import ExportedConversation

SCHEMA = application().openapi()
OPERATIONS = {
    f"{method.upper()} {path.removeprefix('/api/v1')}": operation
    for path, operations in SCHEMA["paths"].items()
    for method, operation in operations.items()
}
PROBLEM = "application/problem+json"
ONE = "/conversations/{conversation_id}"


def test_these_are_the_operations() -> None:
    assert {name: operation["operationId"] for name, operation in OPERATIONS.items()} == {
        "POST /conversations": "create_conversation",
        "GET /conversations": "list_conversations",
        "DELETE /conversations": "erase_conversations",
        "GET /conversations/search": "search_conversations",
        f"GET {ONE}": "get_conversation",
        f"PATCH {ONE}": "rename_conversation",
        f"DELETE {ONE}": "delete_conversation",
        f"POST {ONE}/reset": "reset_conversation",
        f"GET {ONE}/export": "export_conversation",
        f"POST {ONE}/examples": "add_example",
        f"GET {ONE}/examples": "list_examples",
        f"DELETE {ONE}/examples/{{example_id}}": "delete_example",
        "GET /config": "get_config",
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_described_with_its_errors(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert {"401", "503", "504"} <= set(operation["responses"])
    assert "422" not in operation["responses"]
    assert ("404" in operation["responses"]) == ("{" in name)
    assert ("415" in operation["responses"]) == ("requestBody" in operation)
    for status, response in operation["responses"].items():
        assert response["description"]
        if int(status) >= 400:
            assert list(response["content"]) == [PROBLEM]
        assert ("Retry-After" in response.get("headers", {})) == (status == "503")


def test_nothing_a_client_may_send_is_unbounded() -> None:
    bodies = 0
    for name, operation in OPERATIONS.items():
        for body in operation.get("requestBody", {}).get("content", {}).values():
            bodies += 1
            schema = body["schema"]
            parts = schema.get("anyOf", [schema])
            for part in parts:
                reference = part.get("$ref", "").rsplit("/", 1)[-1]
                found = SCHEMA["components"]["schemas"].get(reference, part)
                assert found.get("type") == "null" or list(unbounded(found, name)) == []
        for parameter in operation.get("parameters", ()):
            assert list(unbounded(parameter["schema"], f"{name} {parameter['name']}")) == []
            assert parameter["name"].endswith("_id") or parameter["description"]
    assert bodies == 3


def test_every_field_is_described() -> None:
    for name, schema in SCHEMA["components"]["schemas"].items():
        for field, property_ in schema.get("properties", {}).items():
            assert "$ref" in property_ or property_.get("description"), f"{name}.{field}"


def test_a_file_is_described_in_its_three_formats() -> None:
    content = OPERATIONS[f"GET {ONE}/export"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/markdown", "text/csv"}
    assert content["application/json"]["schema"]["$ref"].endswith("/ExportedConversation")


def test_what_begins_says_where_it_is() -> None:
    assert "Location" in OPERATIONS["POST /conversations"]["responses"]["201"]["headers"]


@pytest.mark.parametrize(
    "model",
    [
        schemas.NewConversation,
        schemas.NewTitle,
        schemas.NewExample,
        schemas.ConversationReport,
        schemas.ConversationPage,
        schemas.ConversationDetail,
        schemas.MessageReport,
        schemas.SearchReport,
        schemas.SearchMatch,
        schemas.ExampleReport,
        ExportedConversation,
    ],
)
def test_the_examples_hold(model: Any) -> None:
    shown = SCHEMA["components"]["schemas"].get(model.__name__, model.model_json_schema())["examples"]
    assert shown == model.model_config["json_schema_extra"]["examples"]
    for example in shown:
        assert model.model_validate(example)


def test_the_table_s_example_is_its_first_line() -> None:
    assert examples.EXPORT_CSV.strip().replace('"', "").split(",")[0] == "content"
