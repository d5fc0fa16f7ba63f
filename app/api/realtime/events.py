"""What clients may send in real time: checked like the REST API's requests, with the same limits."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from app.api.schemas import ChatRequest, QueryText
from app.domain.conversations import Question
from app.errors import InvalidInput
from app.services.live.asking import Asked
from app.services.live.session import LiveSession

Model = TypeVar("Model", bound=BaseModel)
Id = Annotated[UUID, Field(strict=False)]
Sequence = Annotated[int, Field(ge=0, le=1_000_000)]


class _Event(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class QuestionEvent(ChatRequest):
    """A question under an id its asker chose, so that it may be asked again without being answered twice."""

    query: QueryText = Field(validation_alias=AliasChoices("message", AliasPath("message")))
    id: Id | None = None
    after: Sequence = 0

    def asked(self) -> Question:
        """Return the question in the domain's words."""
        return self.question()


class ResumeEvent(_Event):
    """What was missed of a question is wanted: all after a sequence number."""

    id: Id
    after: Sequence = 0


class JoinEvent(_Event):
    """What is answered in a conversation is to be told on this connection."""

    conversation_id: Id


class CancelEvent(_Event):
    """An answer is no longer wanted."""

    id: Id


class AuthEvent(_Event):
    """Who asks, where the handshake did not say."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


def checked(model: type[Model], given: Mapping[str, Any]) -> Model:
    """Return what was sent as an event; raises RequestValidationError."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from error


def loaded(text: str) -> dict[str, Any]:
    """Return the JSON object a text is; raises InvalidInput."""
    try:
        value = from_json(text)
    except ValueError as error:
        raise InvalidInput("body", "is not valid JSON") from error
    if not isinstance(value, dict):
        raise InvalidInput("body", "must be an object")
    return value


async def ask(session: LiveSession, given: Mapping[str, Any]) -> Asked:
    """Have a question answered."""
    event = checked(QuestionEvent, given)
    return await session.ask(event.asked(), str(event.id) if event.id else None, event.after)


async def resume(session: LiveSession, given: Mapping[str, Any]) -> Asked:
    """Go on with a question after a dropped connection."""
    event = checked(ResumeEvent, given)
    return await session.resume(str(event.id), event.after)


async def join(session: LiveSession, given: Mapping[str, Any]) -> None:
    """Hear what is answered in a conversation."""
    await session.join(str(checked(JoinEvent, given).conversation_id))


async def cancel(session: LiveSession, given: Mapping[str, Any]) -> None:
    """Give a question up."""
    await session.cancel(str(checked(CancelEvent, given).id))
