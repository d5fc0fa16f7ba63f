"""Questions and answers."""

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.answers import ChatAnswer
from app.api.callers import CallerDep
from app.api.dependencies import AboutDep, ServicesDep
from app.api.leaving import unless_gone
from app.api.negotiation import wants_events
from app.api.openapi import EVENT_STREAM, problems
from app.api.reports import HEALTH, NOT_STORED, HealthReport, health_response
from app.api.routing import JsonRoute
from app.api.schemas import ChatRequest
from app.api.sse import EventStream, open_stream

router = APIRouter(prefix="/chat", tags=["chat"], route_class=JsonRoute)


@router.post(
    "/",
    summary="Ask a question",
    response_model=ChatAnswer,
    responses=EVENT_STREAM | problems(400, 404, 413, 415, 503, 504),
)
async def ask(
    body: ChatRequest, request: Request, response: Response, services: ServicesDep, caller: CallerDep
) -> ChatAnswer | EventStream:
    """Answer from evidence, with citations; where there is none, `outcome` is `no_context`.

    With `stream: true`, or `Accept: text/event-stream`, the answer comes as events: `search_results`, `message`
    (pieces of text), `citation`, `final_answer` (the same object as the plain answer), or `error` (a problem).
    While the store is down answers go on, with `persisted: false` and a `Warning` header.
    """
    question = replace(body.question(), owner=caller.owner)
    if body.stream or wants_events(request.headers.get("accept", "")):
        return await open_stream(request, services.chat.stream(question))
    answer = await unless_gone(request, services.chat.ask(question))
    if not answer.persisted:
        response.headers["Warning"] = NOT_STORED
    return ChatAnswer.of(answer)


@router.get("/health", summary="How the chat service is", response_model=HealthReport, responses=HEALTH)
async def chat_health(request: Request, services: ServicesDep, about: AboutDep) -> Response:
    """Check every part answers need; 503 while questions cannot be answered."""
    return health_response(request, about, await services.health.report())
