"""What is asked and answered about conversations."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.api import conversation_examples as examples
from app.api.answers import CitedSource
from app.api.schemas import QueryText, _no_nul, _Strict, _visible
from app.domain.conversations import Attachment, Found, Overview, Role, Turn
from app.services.conversation.inert import one_line

TITLE = 200
SEARCHED = 200
EXAMPLE_QUESTION = 2000
EXAMPLE_ANSWER = 4000
LISTED = 20
MOST_LISTED = 100

_SHARE: dict[str, Any] = {"minimum": 0, "maximum": 1}
_COUNT: dict[str, Any] = {"minimum": 0}


def _shown(text: str) -> str:
    """Return a title as it is kept: one line, nothing in it that cannot be seen."""
    kept = one_line(text)
    if not kept:
        raise PydanticCustomError("blank_text", "must not be blank")
    return kept


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE),
    AfterValidator(_no_nul),
    AfterValidator(_shown),
]
SearchText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=SEARCHED),
    AfterValidator(_no_nul),
    AfterValidator(_visible),
]
AnswerText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=EXAMPLE_ANSWER),
    AfterValidator(_no_nul),
    AfterValidator(_visible),
]


class NewConversation(_Strict):
    """A conversation to begin."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.NEW, examples.NEW_WITH_ID]})

    title: Title | None = Field(
        None, description="Its title, 1 to 200 characters; where it is not given, its first question is."
    )
    id: Annotated[UUID, Field(strict=False)] | None = Field(
        None, description="A random UUID of your own, for a client that needs the id before the answer comes."
    )


class NewTitle(_Strict):
    """Another title."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.RENAMED]})

    title: Title = Field(description="1 to 200 characters; kept on one line, without what cannot be seen.")


class NewExample(_Strict):
    """How a question is to be answered."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.NEW_EXAMPLE]})

    question: QueryText = Field(description="A question, 1 to 2000 characters.")
    answer: AnswerText = Field(description="The answer to it, 1 to 4000 characters.")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class ConversationReport(_Told):
    """A conversation as a list shows it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.OVERVIEW]})

    id: str = Field(description="Its id.")
    title: str = Field(description="Its title, or the beginning of its first question; empty before that.")
    created_at: datetime = Field(description="When it began, UTC.")
    updated_at: datetime = Field(description="When something was last said, UTC.")
    message_count: int = Field(description="How many messages it has.", json_schema_extra=_COUNT)

    @classmethod
    def of(cls, overview: Overview, **more: Any) -> Self:
        """Translate an overview; `more` are the fields of whatever shows more of a conversation."""
        return cls(
            id=overview.id,
            title=overview.title,
            created_at=overview.created_at.astimezone(UTC),
            updated_at=overview.updated_at.astimezone(UTC),
            message_count=overview.turns,
            **more,
        )


class ConversationPage(_Told):
    """Some conversations, newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PAGE]})

    conversations: list[ConversationReport] = Field(description="The page.")
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last.")


class MessageReport(_Told):
    """A message."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MESSAGE]})

    id: str = Field(description="Its id.")
    role: Role = Field(description="Who spoke.")
    content: str = Field(description="What was said; answers are in light Markdown with citation marks.")
    created_at: datetime = Field(description="When, UTC.")
    outcome: str | None = Field(
        description="How the question ended; `cancelled` where its reader left before, null for a question."
    )
    citations: list[CitedSource] = Field(description="The sources an answer uses.")

    @classmethod
    def of(cls, turn: Turn) -> Self:
        """Translate a turn."""
        return cls(
            id=turn.id,
            role=turn.role,
            content=turn.content,
            created_at=turn.created_at.astimezone(UTC),
            outcome=turn.outcome,
            citations=[CitedSource.of(citation) for citation in turn.citations],
        )


class ConversationDetail(ConversationReport):
    """A conversation with some of its messages, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CONVERSATION]})

    messages: list[MessageReport] = Field(description="The last messages, or the last before `before`.")
    previous_cursor: str | None = Field(description="Send it as `before` for older messages; null at the beginning.")


class Mark(_Told):
    """Where a word that was searched for stands."""

    start: int = Field(description="Its first character (Unicode code point) in the snippet.", json_schema_extra=_COUNT)
    end: int = Field(description="The character behind its last.", json_schema_extra=_COUNT)


class SearchMatch(ConversationReport):
    """A conversation that was found."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MATCH]})

    score: float = Field(description="How well it fits, compared with the best one.", json_schema_extra=_SHARE)
    snippet: str = Field(description="A piece of a message in which words were found: plain text, no HTML.")
    marks: list[Mark] = Field(description="Where they stand in it.")

    @classmethod
    def found(cls, found: Found) -> Self:
        """Translate what was found."""
        marks = [Mark(start=start, end=end) for start, end in found.marks]
        return cls.of(found.overview, score=round(found.score, 4), snippet=found.snippet, marks=marks)


class SearchReport(_Told):
    """What was found, best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MATCHES]})

    query: str = Field(description="What was searched for, trimmed.")
    matches: list[SearchMatch] = Field(description="The conversations.")


class ExampleReport(_Told):
    """An example that steers the answers of a conversation."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.EXAMPLE]})

    id: str = Field(description="Its id.")
    question: str = Field(description="The question.")
    answer: str = Field(description="The answer to it.")
    created_at: datetime = Field(description="When it was added, UTC.")

    @classmethod
    def of(cls, example: Attachment) -> Self:
        """Translate an attachment that is an example."""
        return cls(
            id=example.id,
            question=example.title,
            answer="\n".join(example.passages),
            created_at=example.created_at.astimezone(UTC),
        )


class ExampleList(_Told):
    """A conversation's examples, oldest first."""

    examples: list[ExampleReport] = Field(description="All of them.")


class Erasure(_Told):
    """What was taken away."""

    deleted: int = Field(description="How many conversations.", json_schema_extra=_COUNT)
