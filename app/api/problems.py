"""Errors as HTTP: one table from our errors to statuses, one shape (RFC 9457) for all of them.

What a client reads is written here. An exception's own text is for operators and stays in the log.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from app.api.validation import FieldError, field_errors
from app.errors import (
    Conflict,
    ConversationFull,
    DeadlineExceeded,
    DependencyFailed,
    DocumentRefused,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotIdentified,
    NotReady,
    Overloaded,
    ServiceError,
)
from app.logs import request_id
from app.ports.documents import DiskFull

logger = logging.getLogger("app.problems")

MEDIA_TYPE = "application/problem+json"
CLIENT_GONE = 499
_RETRY_SECONDS = 2.0
_LONGEST_INSTANCE = 200


class Problem(BaseModel):
    """An error, in the shape of RFC 9457; every error of this service looks like this."""

    type: str = Field(description="A URI that names the kind of problem.", examples=["urn:problem-type:invalid_input"])
    title: str = Field(description="The kind of problem in words.", examples=["Invalid input"])
    status: int = Field(description="The HTTP status.", json_schema_extra={"minimum": 400, "maximum": 599})
    detail: str = Field(description="What is wrong and what can be done.")
    instance: str = Field(description="The path that was asked.", examples=["/api/v1/chat/"])
    error: str = Field(description="The same as `title`.", examples=["Invalid input"])
    timestamp: datetime = Field(description="When it happened, UTC.")
    code: str = Field(description="The kind of problem, for programs.", examples=["invalid_input"])
    request_id: str = Field(description="The request's id, to be named to the operator.")
    errors: list[FieldError] = Field(description="The fields that are wrong, at most 20.")


class ConflictProblem(Problem):
    """A problem that names what is in the way."""

    existing: str = Field(description="The id of what is there already.")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: what all of its occurrences share."""

    status: int
    code: str
    title: str
    detail: str


_ERRORS: Mapping[type[Exception], tuple[int, str, str]] = {
    InvalidInput: (400, "Invalid input", "The request cannot be used as it is; see `errors`."),
    DocumentRefused: (400, "Refused", "The document cannot be taken in; see `errors`."),
    NotIdentified: (401, "Not identified", "Send `Authorization: Bearer <key>` with a key you were given."),
    NotAllowed: (
        403,
        "Not allowed",
        "Set ADMIN_KEY and send it as a Bearer token, or ask from this machine; other pages need CORS_ORIGINS.",
    ),
    ConversationFull: (
        409,
        "Conversation full",
        "The conversation holds as much as it may (see `errors`); begin a new one, or take something out of it.",
    ),
    Conflict: (409, "Conflict", "It is there already, or has changed meanwhile; see `existing`."),
    NotFound: (404, "Not found", "There is no such thing, or it is not yours."),
    DiskFull: (507, "No space left", "There is no room to keep this; the operator has to make some."),
    Overloaded: (503, "Busy", "There is no room for this request right now; try again shortly."),
    NotReady: (503, "Not ready", "The service is still starting; try again shortly."),
    DeadlineExceeded: (504, "Out of time", "The request took longer than it may; try again, or ask for less."),
    DependencyFailed: (
        503,
        "Not available",
        "A part that is needed does not work at the moment; try again shortly.",
    ),
}

_TOO_LARGE = frozenset({"too_large", "too_much_text"})
_NOT_READ = frozenset({"unknown_format", "wrong_format"})

_STATUSES: Mapping[int, Kind] = {
    kind.status: kind
    for kind in (
        Kind(400, "invalid_input", "Invalid input", "The body cannot be read as JSON."),
        Kind(404, "not_found", "Not found", "There is nothing at this path."),
        Kind(405, "method_not_allowed", "Method not allowed", "This path answers other methods; see `Allow`."),
        Kind(413, "too_large", "Too large", "The body is larger than this service accepts."),
        Kind(
            415, "unsupported_media_type", "Unsupported media type", "Send JSON, with `Content-Type: application/json`."
        ),
        Kind(CLIENT_GONE, "client_gone", "Client gone", "The client closed the connection."),
    )
}

ErrorShape: TypeAlias = Callable[[Problem, Mapping[str, str]], Response]
"""What makes a response of a problem and the headers that go with it."""

_INTERNAL = Kind(500, "internal", "Internal error", "Something went wrong on our side; report it with the request id.")


def refused_status(reason: str) -> int:
    """Return the status of a document refused for this reason."""
    if reason in _TOO_LARGE:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return HTTPStatus.UNSUPPORTED_MEDIA_TYPE if reason in _NOT_READ else HTTPStatus.BAD_REQUEST


def kind_of(error: Exception) -> Kind:
    """Return the kind of problem an exception is; what nobody foresaw is an internal error."""
    if isinstance(error, DocumentRefused):
        return replace(_of_error(error), status=int(refused_status(error.reason)))
    if isinstance(error, RequestValidationError):
        return _of_error(InvalidInput("", ""))
    if isinstance(error, HTTPException):
        return _STATUSES.get(error.status_code) or _of_status(error.status_code)
    return _of_error(error)


def problem_of(error: Exception, path: str) -> Problem:
    """Return what a client is told about an exception that happened while `path` was asked."""
    kind = kind_of(error)
    more = {"existing": error.existing} if isinstance(error, Conflict) else {}
    shape = ConflictProblem if more else Problem
    return shape(
        **more,
        type=f"urn:problem-type:{kind.code}",
        title=kind.title,
        status=kind.status,
        detail=kind.detail,
        instance=quote(path, safe="/:@!$&'()*+,;=~-._")[:_LONGEST_INSTANCE],
        error=kind.title,
        timestamp=datetime.now(UTC),
        code=kind.code,
        request_id=request_id.get(),
        errors=_fields(error),
    )


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response that carries a problem."""
    return Response(
        problem.model_dump_json(),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def respond(scope: Scope, error: Exception) -> Response:
    """Translate an exception into a response, and tell the operator where it is ours to mend.

    A route whose clients know errors in another shape names it as its `error_shape`.
    """
    problem = problem_of(error, str(scope["path"]))
    log(error, problem)
    shape: ErrorShape = scope.get("error_shape") or problem_response
    return shape(problem, _headers(scope, error, problem.status))


async def handle(request: Request, error: Exception) -> Response:
    """Translate an exception: the handler FastAPI calls."""
    return respond(request.scope, error)


def log(error: Exception, problem: Problem) -> None:
    """Log a failure of ours with its cause; what the client did wrong is in the access log."""
    if problem.status == _INTERNAL.status:
        logger.error("unexpected_error", exc_info=error, extra={"code": problem.code})
    elif problem.status > _INTERNAL.status:
        extra = {"code": problem.code, "error": str(error), "cause": repr(error.__cause__)}
        logger.warning("request_failed", extra=extra)


def _of_error(error: Exception) -> Kind:
    for ancestor in type(error).__mro__:
        if ancestor in _ERRORS and isinstance(error, ServiceError):
            status, title, detail = _ERRORS[ancestor]
            return Kind(status, error.code, title, detail)
    return _INTERNAL


def _of_status(status: int) -> Kind:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        return _INTERNAL
    return Kind(status, phrase.lower().replace(" ", "_").replace("-", "_"), phrase, f"{phrase}.")


def _fields(error: Exception) -> list[FieldError]:
    if isinstance(error, RequestValidationError):
        found: Sequence[Any] = error.errors()
        return field_errors(found)
    named = _named(error)
    return [named] if named else []


def _named(error: Exception) -> FieldError | None:
    """Return the one thing that an error of ours is about."""
    field, message, limit = "", "", None
    if isinstance(error, InvalidInput):
        field, message = error.field, error.reason
    elif isinstance(error, DocumentRefused):
        field, message = "document", f"{error.reason}: {error.detail}"
    elif isinstance(error, ConversationFull):
        field, message, limit = "conversation", f"holds {error.limit} at most", error.limit
    elif isinstance(error, Conflict):
        field, message = "id" if error.what == "conversation" else "document", error.what
    elif isinstance(error, HTTPException) and error.status_code == HTTPStatus.BAD_REQUEST:
        field, message = "body", "must be a JSON object of moderate depth"
    return FieldError(field=field, message=message, limit=limit) if field else None


def _headers(scope: Scope, error: Exception, status: int) -> dict[str, str]:
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        wait = error.retry_after if isinstance(error, Overloaded) else _RETRY_SECONDS
        return {"Retry-After": str(max(1, math.ceil(wait)))}
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return {"Allow": ", ".join(sorted(scope.get("allowed_methods", ()))) or "GET, HEAD"}
    return {}
