"""What OpenAI's clients call: the same answers, in the form they know."""

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request

from app.api.callers import CallerDep
from app.api.dependencies import About, AboutDep, ServicesDep
from app.api.leaving import unless_gone
from app.api.negotiation import EVENTS
from app.api.openai_answers import CHUNKS, Completion, ModelCard, ModelList, completion_id
from app.api.openai_errors import OpenAIRoute, failures
from app.api.openai_schemas import MODEL, CompletionRequest
from app.api.openai_stream import CompletionChunks
from app.api.openapi import Responses
from app.api.sse import EventStream, open_stream
from app.errors import NotFound

router = APIRouter(prefix="/v1", tags=["openai"], route_class=OpenAIRoute)

ModelName = Annotated[str, Path(min_length=1, max_length=200, description="The model's id.")]

_FIRST_OFFERED = int(datetime(2026, 11, 21, tzinfo=UTC).timestamp())
_CHUNKED: Responses = {
    200: {
        "description": "The answer; with `stream: true`, as chunks.",
        "content": {EVENTS: {"schema": {"type": "string"}, "example": CHUNKS}},
    }
}


@router.post(
    "/chat/completions",
    summary="Answer a conversation's last question",
    response_model=Completion,
    responses=_CHUNKED | failures(400, 404, 413, 415, 503, 504),
)
async def complete(
    body: CompletionRequest, request: Request, services: ServicesDep, caller: CallerDep
) -> Completion | EventStream:
    """Answer from evidence, as `POST /chat/` of this service's own API does, for programs written for OpenAI's.

    Instructions in messages of the roles `system` and `developer` are accepted and not followed: nothing is said that
    the evidence does not carry. Citations and outcome are in `it_support`, in a stream that of the chunk which has a
    `finish_reason`. An error after the first chunk is a line `data: {"error": ...}`, the last one.
    """
    _known(body.model)
    message_id = str(uuid.uuid4())
    question = replace(body.question(message_id), owner=caller.owner)
    if not body.stream:
        return Completion.of(await unless_gone(request, services.chat.ask(question)))
    chunks = CompletionChunks(completion_id(message_id), int(time.time()), usage=body.usage_wanted)
    return await open_stream(request, services.chat.stream(question), chunks)


@router.get("/models", summary="The models that can be asked")
async def list_models(about: AboutDep) -> ModelList:
    """List the one model there is: the service itself."""
    return ModelList(data=[_card(about)])


@router.get("/models/{model}", summary="One model", responses=failures(400, 404))
async def get_model(model: ModelName, about: AboutDep) -> ModelCard:
    """Return a model that can be asked."""
    _known(model)
    return _card(about)


def _known(model: str) -> None:
    if model != MODEL:
        raise NotFound("model")


def _card(about: About) -> ModelCard:
    return ModelCard(id=MODEL, created=_FIRST_OFFERED, owned_by=about.name)
