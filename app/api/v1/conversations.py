"""The caller's conversations."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.api import cursors
from app.api.callers import CallerDep
from app.api.conversation_openapi import CREATED, EXPORT, MEDIA_TYPES
from app.api.conversation_schemas import (
    LISTED,
    MOST_LISTED,
    ConversationDetail,
    ConversationPage,
    ConversationReport,
    Erasure,
    MessageReport,
    NewConversation,
    NewTitle,
    SearchMatch,
    SearchReport,
    SearchText,
)
from app.api.downloads import open_download
from app.api.openapi import problems
from app.api.routing import JsonRoute
from app.domain.conversations import Position
from app.errors import InvalidInput
from app.services.conversation.exporting import ExportFormat
from app.services.conversation.service import ConversationService


class PrivateRoute(JsonRoute):
    """A route whose answers nobody keeps: they are one person's."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, whose responses forbid to be stored."""
        handler = super().get_route_handler()

        async def private(request: Request) -> Response:
            response = await handler(request)
            response.headers["Cache-Control"] = "no-store"
            return response

        return private


router = APIRouter(
    prefix="/conversations",
    tags=["conversations"],
    route_class=PrivateRoute,
    responses=problems(400, 401, 503, 504),
)

Limit = Annotated[int, Query(ge=1, le=MOST_LISTED, description="The page's length at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=cursors.LONGEST, description="The last page's `next_cursor`; the newest are first without it."),
]
Before = Annotated[
    str | None,
    Query(max_length=cursors.LONGEST, description="The last answer's `previous_cursor`; the newest without it."),
]
Format = Literal["json", "md", "csv"]


async def conversations_of(request: Request) -> ConversationService:
    """Return the service behind these routes."""
    return cast("ConversationService", request.state.services.conversations)


ConversationsDep = Annotated[ConversationService, Depends(conversations_of)]


@router.post("", summary="Begin a conversation", status_code=201, responses=CREATED | problems(409, 413, 415))
async def create_conversation(
    request: Request,
    response: Response,
    caller: CallerDep,
    conversations: ConversationsDep,
    body: NewConversation | None = None,
) -> ConversationReport:
    """Begin an empty conversation; a question without a conversation begins one by itself."""
    wanted = body or NewConversation(title=None, id=None)
    chosen = str(wanted.id) if wanted.id else None
    overview = await conversations.create(caller.owner, wanted.title or "", chosen)
    response.headers["Location"] = request.url_for("get_conversation", conversation_id=overview.id).path
    return ConversationReport.of(overview)


@router.get("", summary="List conversations")
async def list_conversations(
    caller: CallerDep, conversations: ConversationsDep, cursor: Cursor = None, limit: Limit = LISTED
) -> ConversationPage:
    """Return the caller's conversations, newest first, a page at a time."""
    after = cursors.position(cursor, "cursor") if cursor is not None else None
    found, more = await conversations.page(caller.owner, limit, after)
    following = cursors.of_position(Position(found[-1].created_at, found[-1].id)) if more else None
    return ConversationPage(conversations=[ConversationReport.of(item) for item in found], next_cursor=following)


@router.delete("", summary="Erase all conversations")
async def erase_conversations(
    caller: CallerDep,
    conversations: ConversationsDep,
    *,
    confirm: Annotated[bool, Query(description="Must be `true`.")] = False,
) -> Erasure:
    """Take away, for good, everything that is kept of the caller: conversations, their files and examples."""
    if not confirm:
        raise InvalidInput("confirm", "must be true: all conversations of yours are then gone for good")
    return Erasure(deleted=await conversations.erase(caller.owner))


@router.get("/search", summary="Search conversations")
async def search_conversations(
    caller: CallerDep,
    conversations: ConversationsDep,
    q: Annotated[SearchText, Query(description="Words, 1 to 200 characters; nothing in them is an operator.")],
    limit: Limit = LISTED,
) -> SearchReport:
    """Return the caller's conversations in which the words were said, best first, with a snippet of each."""
    found = await conversations.search(caller.owner, q, limit)
    return SearchReport(query=q, matches=[SearchMatch.found(item) for item in found])


@router.get("/{conversation_id}", summary="Get a conversation", responses=problems(404))
async def get_conversation(
    conversation_id: UUID, caller: CallerDep, conversations: ConversationsDep, before: Before = None, limit: Limit = 50
) -> ConversationDetail:
    """Return a conversation with its last messages, oldest first; older ones a page at a time, with `before`."""
    until = cursors.count(before, "before") if before is not None else None
    found = await conversations.messages(caller.owner, str(conversation_id), limit, until)
    return ConversationDetail.of(
        found.overview,
        messages=[MessageReport.of(turn) for turn in found.turns],
        previous_cursor=cursors.of_count(found.start) if found.start else None,
    )


@router.patch("/{conversation_id}", summary="Rename a conversation", responses=problems(404, 413, 415))
async def rename_conversation(
    conversation_id: UUID, body: NewTitle, caller: CallerDep, conversations: ConversationsDep
) -> ConversationReport:
    """Give a conversation another title."""
    return ConversationReport.of(await conversations.rename(caller.owner, str(conversation_id), body.title))


@router.delete("/{conversation_id}", summary="Delete a conversation", status_code=204, responses=problems(404))
async def delete_conversation(conversation_id: UUID, caller: CallerDep, conversations: ConversationsDep) -> Response:
    """Take a conversation away for good, with its files and examples."""
    await conversations.delete(caller.owner, str(conversation_id))
    return Response(status_code=204)


@router.post("/{conversation_id}/reset", summary="Empty a conversation", responses=problems(404))
async def reset_conversation(
    conversation_id: UUID, caller: CallerDep, conversations: ConversationsDep
) -> ConversationReport:
    """Take away a conversation's messages, files and examples for good, and keep its id and its title."""
    return ConversationReport.of(await conversations.reset(caller.owner, str(conversation_id)))


@router.get(
    "/{conversation_id}/export", summary="Export a conversation", response_model=None, responses=EXPORT | problems(404)
)
async def export_conversation(
    conversation_id: UUID,
    request: Request,
    caller: CallerDep,
    conversations: ConversationsDep,
    form: Annotated[Format, Query(alias="format", description="The file's format.")] = "json",
) -> Response:
    """Return a whole conversation as a file: `json` to be kept, `md` to be read, `csv` for a spreadsheet.

    The messages are those there are when it begins. In `csv`, a quote stands before what a spreadsheet would compute.
    """
    chosen = ExportFormat(form)
    export = await conversations.export(caller.owner, str(conversation_id), chosen)
    return await open_download(request, export.pieces, export.name, MEDIA_TYPES[chosen])
