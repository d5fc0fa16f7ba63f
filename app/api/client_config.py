"""What a client may know of this service before it asks anything."""

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, Field

from app.api import conversation_examples as examples
from app.api import conversation_schemas as conversations
from app.api.schemas import ChatRequest, Language

_PUBLIC_ID = re.compile(r"(?!\.)[\w.-]+(/[\w.-]+)?")
_ASKED: dict[str, Any] = ChatRequest.model_json_schema()["properties"]
_COUNT: dict[str, Any] = {"minimum": 0}


def public_model(model_id: str) -> str:
    """Return what clients are told a model is called: its id, or a file's or folder's name without the way there."""
    if not model_id or _PUBLIC_ID.fullmatch(model_id):
        return model_id
    return PurePath(model_id.replace("\\", "/")).name


@dataclass(frozen=True, slots=True)
class Features:
    """Which channels and abilities there are."""

    streaming: bool = True
    websocket: bool = False
    socketio: bool = False
    files: bool = False
    conversations: bool = True
    examples: bool = True
    openai: bool = True


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """What the settings say that clients may know: put into the lifespan's state at start.

    `max_tokens` are those of a prompt and its answer together, `reply_tokens` those of the answer alone. Models are
    named by `public_model`; an empty name is a model that is not used. `retention_days` is 0 where nothing expires.
    """

    name: str
    version: str
    max_tokens: int
    reply_tokens: int
    embedding_model: str
    language_model: str
    max_file_size_mb: float
    allowed_extensions: tuple[str, ...]
    chunk_size_tokens: int
    request_timeout_seconds: float
    max_body_kb: int
    retention_days: int = 0
    features: Features = Features()


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class RangeReport(_Told):
    """A number's bounds."""

    minimum: int = Field(description="The least.")
    maximum: int = Field(description="The most.")
    default: int = Field(description="What it is where it is not given.")

    @classmethod
    def of(cls, schema: dict[str, Any]) -> Self:
        """Read the bounds out of a field's schema."""
        return cls(minimum=schema["minimum"], maximum=schema["maximum"], default=schema["default"])


class LimitsReport(_Told):
    """The most that may be sent, in characters where nothing else is said."""

    query_length: int = Field(description="A question.", json_schema_extra=_COUNT)
    top_k: RangeReport
    answer_tokens: RangeReport
    title_length: int = Field(description="A conversation's title.", json_schema_extra=_COUNT)
    search_length: int = Field(description="What conversations are searched for.", json_schema_extra=_COUNT)
    example_question_length: int = Field(description="An example's question.", json_schema_extra=_COUNT)
    example_answer_length: int = Field(description="An example's answer.", json_schema_extra=_COUNT)
    body_kb: int = Field(description="A request's body, in KiB; of files, see `files`.", json_schema_extra=_COUNT)
    request_seconds: float = Field(description="Until an answer begins.", json_schema_extra=_COUNT)


class FilesReport(_Told):
    """What may be uploaded."""

    max_size_mb: float = Field(description="A file, in MB.", json_schema_extra=_COUNT)
    extensions: list[str] = Field(description="The endings of their names, without the dot.")
    chunk_tokens: int = Field(description="How long the pieces are that they are cut into.", json_schema_extra=_COUNT)


class ModelsReport(_Told):
    """The models at work, by their ids; empty where none is."""

    embedding: str = Field(description="What finds evidence.")
    language: str = Field(description="What writes answers, where that is configured.")


class FeaturesReport(_Told):
    """Which channels and abilities there are."""

    streaming: bool = Field(description="Answers as server-sent events.")
    websocket: bool = Field(description="The WebSocket channel.")
    socketio: bool = Field(description="The Socket.IO channel.")
    files: bool = Field(description="Files as the context of a conversation.")
    conversations: bool = Field(description="Conversations can be listed, searched and exported.")
    examples: bool = Field(description="Examples of answers steer those of a conversation.")
    openai: bool = Field(description="The chat completions of OpenAI's protocol.")


class ClientConfigReport(_Told):
    """What a client may know of this service."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CONFIG]})

    name: str = Field(description="What the service is called.")
    version: str = Field(description="Its version.")
    max_tokens: int = Field(description="Tokens of a prompt and its answer together.", json_schema_extra=_COUNT)
    reply_tokens: int = Field(description="How many of them are kept for the answer.", json_schema_extra=_COUNT)
    limits: LimitsReport
    page_size: RangeReport
    files: FilesReport
    languages: list[str] = Field(description="The languages questions may be in.")
    models: ModelsReport
    features: FeaturesReport
    retention_days: int = Field(
        description="After how many days without a change a conversation is taken away; 0: never.",
        json_schema_extra=_COUNT,
    )

    @classmethod
    def of(cls, config: ClientConfig) -> Self:
        """Put what the settings say beside what the requests' own schemas say."""
        features = config.features
        return cls(
            name=config.name,
            version=config.version,
            max_tokens=config.max_tokens,
            reply_tokens=config.reply_tokens,
            limits=_limits(config),
            page_size=RangeReport(minimum=1, maximum=conversations.MOST_LISTED, default=conversations.LISTED),
            files=FilesReport(
                max_size_mb=config.max_file_size_mb,
                extensions=list(config.allowed_extensions),
                chunk_tokens=config.chunk_size_tokens,
            ),
            languages=list(get_args(Language)),
            models=ModelsReport(
                embedding=public_model(config.embedding_model), language=public_model(config.language_model)
            ),
            features=FeaturesReport.model_validate(features, from_attributes=True),
            retention_days=config.retention_days,
        )


def _limits(config: ClientConfig) -> LimitsReport:
    return LimitsReport(
        query_length=_ASKED["query"]["maxLength"],
        top_k=RangeReport.of(_ASKED["top_k"]),
        answer_tokens=RangeReport.of(_ASKED["max_tokens"]),
        title_length=conversations.TITLE,
        search_length=conversations.SEARCHED,
        example_question_length=conversations.EXAMPLE_QUESTION,
        example_answer_length=conversations.EXAMPLE_ANSWER,
        body_kb=config.max_body_kb,
        request_seconds=config.request_timeout_seconds,
    )
