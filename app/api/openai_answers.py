"""What OpenAI's clients are answered: their objects, and in `it_support` what this service knows beyond them."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from app.api import examples
from app.api.answers import CitedSource, GroundingReport, SearchResult, TokenUsage
from app.api.openai_schemas import MODEL
from app.domain.answers import Answer, Outcome
from app.domain.retrieval import HitWarning

Finish = Literal["stop", "length"]
_ID = "chatcmpl-0b5f1a8e-53a4-4f0c-8a44-6b0b4f8f7c2d"
_EXTENSION_FIELDS = ("outcome", "citations", "grounding", "search_results", "language", "warnings", "degraded")
EXTENSION: dict[str, Any] = {name: examples.CHAT_ANSWER[name] for name in _EXTENSION_FIELDS} | {
    "conversation_id": None,
    "message_id": examples.CHAT_ANSWER["message_id"],
    "persisted": False,
}
COMPLETION: dict[str, Any] = {
    "id": _ID,
    "object": "chat.completion",
    "created": 1795253400,
    "model": MODEL,
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": examples.CHAT_ANSWER["response"], "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": examples.CHAT_ANSWER["usage"],
    "it_support": EXTENSION,
}
CHUNKS = (
    f'data: {{"id": "{_ID}", "object": "chat.completion.chunk", "created": 1795253400, "model": "{MODEL}", '
    '"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]}\n\n'
    'data: {..., "choices": [{"index": 0, "delta": {"content": "1. Ask the network team ..."}}]}\n\n'
    ": ping\n\n"
    'data: {..., "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "it_support": {...}}\n\n'
    'data: {..., "choices": [], "usage": {"prompt_tokens": 14, "completion_tokens": 19, "total_tokens": 33}}\n\n'
    "data: [DONE]\n\n"
)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ItSupport(_Answer):
    """What the answer rests on, and how it ended."""

    outcome: Outcome = Field(description="How the question ended.")
    citations: list[CitedSource] = Field(description="The sources the answer uses, in the order of their marks.")
    grounding: GroundingReport
    search_results: list[SearchResult] = Field(description="The documents found, best first.")
    conversation_id: str | None = Field(description="The conversation it is kept in; null where it is not kept.")
    message_id: str = Field(description="This answer's id.")
    language: str = Field(description="The answer's language.")
    warnings: list[HitWarning] = Field(description="The warnings of the best document found.")
    degraded: bool = Field(description="The language model failed: the evidence answers in its place, or cut short.")
    persisted: bool = Field(description="Question and answer were stored.")

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Translate an answer."""
        draft = answer.draft
        return cls(
            outcome=draft.outcome,
            citations=[CitedSource.of(citation) for citation in draft.citations],
            grounding=GroundingReport.of(draft.grounding),
            search_results=[SearchResult.of(hit) for hit in answer.hits],
            conversation_id=answer.conversation_id if answer.persisted else None,
            message_id=answer.message_id,
            language=answer.language,
            warnings=list(answer.hits[0].warnings) if answer.hits else [],
            degraded=draft.degraded,
            persisted=answer.persisted,
        )


class CompletionMessage(_Answer):
    """The answer as a message."""

    role: Literal["assistant"] = "assistant"
    content: str = Field(description="The answer, in light Markdown with citation marks such as `[1]`.")
    refusal: None = Field(None, description="Always null: that there is no evidence is told by `it_support.outcome`.")


class CompletionChoice(_Answer):
    """The one answer there is."""

    index: int = Field(0, description="Always 0.")
    message: CompletionMessage
    logprobs: None = Field(None, description="Always null.")
    finish_reason: Finish = Field(description="`length` where the evidence holds more than the length asked for.")


class Completion(_Answer):
    """The answer to the last question of a conversation."""

    model_config = ConfigDict(json_schema_extra={"examples": [COMPLETION]})

    id: str = Field(description="`chatcmpl-` and the message's id.")
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(description="When it was answered, in seconds since 1970.")
    model: str = Field(description="The model that was asked.")
    choices: list[CompletionChoice] = Field(description="The answer.")
    usage: TokenUsage
    it_support: ItSupport

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Translate an answer."""
        choice = CompletionChoice(message=CompletionMessage(content=answer.draft.text), finish_reason=finish(answer))
        return cls(
            id=completion_id(answer.message_id),
            created=int(answer.timestamp.timestamp()),
            model=MODEL,
            choices=[choice],
            usage=TokenUsage.of(answer.draft.usage),
            it_support=ItSupport.of(answer),
        )


class ModelCard(_Answer):
    """A model that can be asked."""

    id: str = Field(description="What `model` is set to.", examples=[MODEL])
    object: Literal["model"] = "model"
    created: int = Field(description="When it was first offered, in seconds since 1970.")
    owned_by: str = Field(description="The name of this service.", examples=["IT Support"])


class ModelList(_Answer):
    """The models that can be asked."""

    object: Literal["list"] = "list"
    data: list[ModelCard] = Field(description="The one model there is.")


def completion_id(message_id: str) -> str:
    """Return the completion's id for a message's."""
    return f"chatcmpl-{message_id}"


def finish(answer: Answer) -> Finish:
    """Tell whether the answer ended by itself, or would have gone on had it been given more tokens.

    A part of the evidence that was left out for its length makes an answer partial; so do sentences of a model that
    were not said, and a model that failed, which more tokens would not mend.
    """
    draft = answer.draft
    mendable = not draft.degraded and (draft.grounding.fallback or not draft.grounding.dropped)
    return "length" if draft.outcome is Outcome.PARTIAL and mendable else "stop"
