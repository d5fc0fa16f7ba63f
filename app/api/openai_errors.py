"""Errors as OpenAI's clients read them: the same statuses and headers as everywhere, another body."""

import re
from collections.abc import Mapping

from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.api.openapi import Responses, problems
from app.api.problems import Problem
from app.api.routing import JsonRoute

_MOST_NAMED = 5
_NO_MODEL = "There is no such model; GET /v1/models lists the one there is."
_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_OURS = 500
_POSITION = re.compile(r"\.(\d+)")


class OpenAIError(BaseModel):
    """What is wrong, in the words OpenAI's clients know."""

    message: str = Field(description="What is wrong and what can be done.")
    type: str = Field(description="The kind of error.", examples=["invalid_request_error"])
    param: str | None = Field(description="The field that is wrong.", examples=["messages[0].content"])
    code: str | None = Field(description="The kind of problem, for programs.", examples=["invalid_input"])

    @classmethod
    def of(cls, problem: Problem) -> "OpenAIError":
        """Translate a problem; the model is the only thing these routes can miss."""
        kind = _TYPES.get(problem.status) or ("server_error" if problem.status >= _OURS else "invalid_request_error")
        if problem.code == "not_found":
            return cls(message=_NO_MODEL, type=kind, param="model", code="model_not_found")
        named = [(_param(error.field), error.message) for error in problem.errors]
        told = "; ".join(f"{param} {message}" for param, message in named[:_MOST_NAMED])
        param = named[0][0] if named else None
        return cls(message=told or problem.detail, type=kind, param=param, code=problem.code)


class OpenAIFailure(BaseModel):
    """An error in the shape OpenAI's clients know; the request's id is in `X-Request-ID`."""

    error: OpenAIError

    @classmethod
    def of(cls, problem: Problem) -> "OpenAIFailure":
        """Translate a problem."""
        return cls(error=OpenAIError.of(problem))


class OpenAIRoute(JsonRoute):
    """A route for OpenAI's clients."""

    @staticmethod
    def error_shape(problem: Problem, headers: Mapping[str, str]) -> Response:
        """Return the response that carries a problem."""
        return Response(
            OpenAIFailure.of(problem).model_dump_json(),
            status_code=problem.status,
            media_type="application/json",
            headers={"Cache-Control": "no-store", **headers},
        )


def last_words(problem: Problem) -> bytes:
    """Return a failure as the last line of a stream."""
    return format_sse_event(data_str=OpenAIFailure.of(problem).model_dump_json())


def failures(*statuses: int) -> Responses:
    """Return the responses a route declares for these error statuses."""
    return {status: {**found, "model": OpenAIFailure} for status, found in problems(*statuses).items()}


def _param(field: str) -> str:
    return _POSITION.sub(r"[\1]", field)
