"""The OpenAPI document: our errors in place of FastAPI's, with one description for each."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from app.api import examples
from app.api.negotiation import EVENTS
from app.api.problems import MEDIA_TYPE, ConflictProblem, Problem

Responses = dict[int | str, dict[str, Any]]

TAGS = [
    {"name": "chat", "description": "Questions, answered from evidence or not at all."},
    {"name": "conversations", "description": "What was said, for whom it was said to."},
    {"name": "files", "description": "Files, analysed and known to one conversation alone."},
    {"name": "search", "description": "The evidence alone."},
    {"name": "openai", "description": "The same answers for programs written for OpenAI's chat completions."},
    {"name": "documents", "description": "The knowledge base: documents, and the jobs that take them in. Needs a key."},
    {"name": "sessions", "description": "Who the caller is; logging in with a key, and out."},
    {"name": "system", "description": "How the service is, for operators and their tools."},
]
DESCRIPTION = (
    "Answers IT-support questions from a knowledge base, cites what it uses, and says so when the knowledge base "
    "holds no answer. Every error is an RFC 9457 problem; every response carries `X-Request-ID`."
)
EVENT_STREAM: Responses = {
    200: {
        "description": "The answer; with `stream: true` or `Accept: text/event-stream`, step by step.",
        "content": {EVENTS: {"schema": {"type": "string"}, "example": examples.EVENTS}},
    }
}
_MEANINGS = {
    400: "The request is not valid; `errors` names each field and its limit.",
    401: "No key, or one that is not valid.",
    403: "Not allowed: a page of another site asks; or ADMIN_KEY is not set and the caller is not on this machine.",
    409: "It is there already, has changed meanwhile (`existing` names it), or is full.",
    507: "There is no room left on the disk.",
    404: "There is no such thing, or it is not the caller's.",
    413: "The body is too large.",
    415: "The body, or a file in it, is of a type that is not read.",
    503: "Busy, still starting, or a part does not work; `Retry-After` says when to come back.",
    504: "It took too long.",
}
RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1, "maximum": 3600}}}


def problems(*statuses: int) -> Responses:
    """Return the responses a route declares for these error statuses."""
    return {status: _problem(status) for status in statuses}


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return what makes the app's OpenAPI document: FastAPI's, with its 422 replaced by what really happens."""
    generate = app.openapi

    def document() -> dict[str, Any]:
        made = app.openapi_schema is not None
        schema = generate()
        if not made:
            _mend(schema)
        return schema

    return document


def _problem(status: int) -> dict[str, Any]:
    model = ConflictProblem if status == 409 else Problem  # noqa: PLR2004 - the one that names something
    found: dict[str, Any] = {"model": model, "description": _MEANINGS[status]}
    return {**found, "headers": RETRY_AFTER} if status == 503 else found  # noqa: PLR2004 - the one that says when


def _is_problem(response: dict[str, Any]) -> bool:
    return str(response["content"]["application/json"]["schema"]["$ref"]).endswith("Problem")


def _mend(schema: dict[str, Any]) -> None:
    for operations in schema["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            responses.pop("422", None)
            for status, response in responses.items():
                if int(status) >= 400 and _is_problem(response):  # noqa: PLR2004 - where errors begin
                    response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
