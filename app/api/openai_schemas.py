"""What OpenAI's clients may ask: the fields they know, within OpenAI's bounds and ours."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.api.openai_bounds import MOST_FIELDS, MOST_PARTS, Lenient, Only, check_shape, listed, text_of, unicode_only
from app.api.schemas import QueryText, _no_nul
from app.api.validation import field_errors
from app.domain.conversations import Question, Role, Turn
from app.errors import InvalidInput

MODEL: Final = "it-support"
"""The one model there is: the service, whatever writes its answers."""

_MOST_TEXT = 65536
_LENGTHS = (50, 500)
_USUAL_LENGTH = 150
_QUERY: TypeAdapter[str] = TypeAdapter(QueryText)
_NO_EFFECT = "Accepted; without effect, since answers are taken from evidence."
_PART = {
    "type": "object",
    "properties": {"type": {"const": "text"}, "text": {"type": "string", "maxLength": _MOST_TEXT}},
    "required": ["type", "text"],
    "maxProperties": MOST_FIELDS,
}
_TEXTS: dict[str, Any] = {
    "anyOf": [{"type": "string", "maxLength": _MOST_TEXT}, {"type": "array", "maxItems": MOST_PARTS, "items": _PART}]
}
_STOPS: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "maxLength": 1000},
        {"type": "array", "maxItems": 4, "items": {"type": "string", "maxLength": 1000}},
    ]
}
EXAMPLE: dict[str, Any] = {
    "model": MODEL,
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "My VPN says error 809 when I work from home. What can I do?"},
    ],
    "stream": True,
    "stream_options": {"include_usage": True},
}

Content = Annotated[
    str,
    BeforeValidator(text_of),
    StringConstraints(max_length=_MOST_TEXT),
    AfterValidator(unicode_only),
    AfterValidator(_no_nul),
    WithJsonSchema(_TEXTS),
]
Stop = Annotated[
    list[Annotated[str, StringConstraints(max_length=1000)]],
    BeforeValidator(listed),
    Field(max_length=4),
    WithJsonSchema(_STOPS),
]
Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000)]


class Message(Lenient):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"] = Field(
        description="Who speaks. `system`, `developer` and `tool` are accepted and have no say in the answer."
    )
    content: Content | None = Field(None, description="The text, or text parts.")


class StreamOptions(Lenient):
    """How an answer is streamed."""

    include_usage: bool | None = Field(None, description="Send the tokens spent as the last chunk.")


def _in_bounds(messages: list[Message]) -> list[Message]:
    if sum(len((message.content or "").encode()) for message in messages) > _MOST_TEXT:
        raise PydanticCustomError("too_much_text", "holds too much text", {"le": _MOST_TEXT})
    return messages


class CompletionRequest(Lenient):
    """A conversation whose last question is to be answered from evidence; fields not listed are ignored."""

    model_config = ConfigDict(json_schema_extra={"maxProperties": MOST_FIELDS, "examples": [EXAMPLE]})

    model: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description=f"`{MODEL}`, the one that `GET /v1/models` lists."
    )
    messages: Annotated[list[Message], Field(min_length=1, max_length=200), AfterValidator(_in_bounds)] = Field(
        description=(
            "The conversation, at most 64 KiB of text. The last message of the user is the question, 1 to 2000 "
            "characters after trimming; what the user and the assistant said before it is what a follow-up leans on."
        )
    )
    stream: bool | None = Field(None, description="Answer as server-sent events that end with `data: [DONE]`.")
    stream_options: StreamOptions | None = Field(None, description="How the answer is streamed.")
    max_completion_tokens: Tokens | None = Field(
        None, description="The answer's length at most; below 50 is read as 50, above 500 as 500, none as 150."
    )
    max_tokens: Tokens | None = Field(None, description="The older name of `max_completion_tokens`.")
    store: bool | None = Field(None, description="Keep question and answer as a conversation; not done by default.")
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = Field(None, description=_NO_EFFECT)
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = Field(None, description=_NO_EFFECT)
    presence_penalty: Penalty | None = Field(None, description=_NO_EFFECT)
    frequency_penalty: Penalty | None = Field(None, description=_NO_EFFECT)
    seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = Field(None, description=_NO_EFFECT)
    stop: Stop | None = Field(None, description=_NO_EFFECT)
    user: Annotated[str, StringConstraints(max_length=512)] | None = Field(None, description=_NO_EFFECT)
    n: Annotated[int, Field(ge=1, le=1)] | None = Field(None, description="One answer is given.")
    response_format: Annotated[Any, Only((None, {"type": "text"}))] = Field(None, description="Answers are text.")
    tools: Annotated[Any, Only((None, []))] = Field(None, description="No tools are called.")
    functions: Annotated[Any, Only((None, []))] = Field(None, description="No functions are called.")
    logprobs: Annotated[Any, Only((None, False))] = Field(None, description="No probabilities are told.")
    modalities: Annotated[Any, Only((None, ["text"]))] = Field(None, description="Answers are text.")

    @model_validator(mode="before")
    @classmethod
    def _shaped(cls, body: Any) -> Any:
        return check_shape(body)

    def question(self, answer_id: str) -> Question:
        """Return the last question in the domain's words; raises InvalidInput where there is none."""
        at = max((at for at, message in enumerate(self.messages) if message.role == "user"), default=None)
        if at is None:
            raise InvalidInput("messages", "must hold a message of the role user")
        asked = self.max_completion_tokens or self.max_tokens or _USUAL_LENGTH
        return Question(
            text=_question(self.messages[at].content, at),
            max_tokens=max(_LENGTHS[0], min(asked, _LENGTHS[1])),
            history=tuple(_turns(self.messages[:at])),
            keep=self.store is True,
            answer_id=answer_id,
        )

    @property
    def usage_wanted(self) -> bool:
        """Tell whether a stream ends with the tokens spent."""
        return self.stream_options is not None and self.stream_options.include_usage is True


def _question(content: str | None, at: int) -> str:
    try:
        return _QUERY.validate_python(content or "")
    except ValidationError as error:
        (wrong,) = field_errors(error.errors())[:1]
        raise InvalidInput(f"messages.{at}.content", wrong.message) from error


def _turns(messages: Sequence[Message]) -> Iterator[Turn]:
    """Yield what was said before, as turns of a conversation."""
    now = datetime.now(UTC)
    for message in messages:
        text = (message.content or "").strip()
        if text and message.role in {"user", "assistant"}:
            yield Turn(str(uuid.uuid4()), Role(message.role), text, now)
