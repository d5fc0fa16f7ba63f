"""What the OpenAPI document says of bodies that the routes of documents read by themselves."""

from typing import Any

from pydantic import BaseModel

from app.api import document_examples as examples
from app.api.document_inputs import JsonDocument, JsonDocuments
from app.api.negotiation import EVENTS
from app.api.openapi import Responses
from app.api.uploads import MOST_FILES
from app.services.documents.mappings import LONGEST

_MAPPING = {
    "type": "string",
    "maxLength": LONGEST,
    "description": "Which columns of a table hold what; found by their usual names where it is not given.",
    "examples": ["title=Subject,text=Body+Notes,metadata.category=Area"],
}
_FILE = {"type": "string", "format": "binary", "description": "At most MAX_FILE_SIZE_MB.", "maxLength": 1_048_576_000}


def _plain(schema: Any, parts: dict[str, Any]) -> Any:
    """Return a schema with its references filled in."""
    if isinstance(schema, list):
        return [_plain(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(parts[schema["$ref"].rsplit("/", 1)[1]], parts)
    return {name: _plain(value, parts) for name, value in schema.items() if name != "$defs"}


def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    filled: dict[str, Any] = _plain(schema, schema.get("$defs", {}))
    return filled


def _form(most: int) -> dict[str, Any]:
    files = {"type": "array", "items": _FILE, "minItems": 1, "maxItems": most, "description": "The files."}
    return {
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "required": ["files"],
            "properties": {"files": files, "mapping": _MAPPING},
        }
    }


def _body(model: type[BaseModel], most_files: int) -> dict[str, Any]:
    content = {"multipart/form-data": _form(most_files), "application/json": {"schema": _json_schema(model)}}
    return {"requestBody": {"required": True, "content": content}}


MANY = _body(JsonDocuments, MOST_FILES)
ONE = _body(JsonDocument, 1)

RAW: Responses = {
    200: {
        "description": "What was sent, as an attachment.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
EVENT_STREAM: Responses = {
    200: {
        "description": "Events: `progress` when anything changed, `ping` every 10 s, `finished` last.",
        "content": {EVENTS: {"schema": {"type": "string"}, "example": examples.EVENTS}},
    }
}
