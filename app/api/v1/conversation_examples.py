"""Examples: how questions are to be answered in one conversation."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from app.api.callers import CallerDep
from app.api.conversation_schemas import ExampleList, ExampleReport, NewExample
from app.api.openapi import problems
from app.api.v1.conversations import ConversationsDep, PrivateRoute

router = APIRouter(
    prefix="/conversations/{conversation_id}/examples",
    tags=["conversations"],
    route_class=PrivateRoute,
    responses=problems(400, 401, 404, 503, 504),
)


@router.post("", summary="Add an example", status_code=201, responses=problems(409, 413, 415))
async def add_example(
    conversation_id: UUID, body: NewExample, caller: CallerDep, conversations: ConversationsDep
) -> ExampleReport:
    """Show by an example how questions are to be answered in this conversation; it holds from the next question on."""
    added = await conversations.add_example(caller.owner, str(conversation_id), body.question, body.answer)
    return ExampleReport.of(added)


@router.get("", summary="List examples")
async def list_examples(conversation_id: UUID, caller: CallerDep, conversations: ConversationsDep) -> ExampleList:
    """Return a conversation's examples, oldest first."""
    found = await conversations.examples(caller.owner, str(conversation_id))
    return ExampleList(examples=[ExampleReport.of(item) for item in found])


@router.delete("/{example_id}", summary="Delete an example", status_code=204)
async def delete_example(
    conversation_id: UUID, example_id: UUID, caller: CallerDep, conversations: ConversationsDep
) -> Response:
    """Take an example away; answers that were given stay as they are."""
    await conversations.remove_example(caller.owner, str(conversation_id), str(example_id))
    return Response(status_code=204)
