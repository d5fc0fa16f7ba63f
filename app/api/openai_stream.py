"""An answer as the chunks OpenAI's clients read."""

from typing import Literal

from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict

from app.api.answers import TokenUsage
from app.api.openai_answers import Finish, ItSupport, finish
from app.api.openai_errors import last_words
from app.api.openai_schemas import MODEL
from app.api.problems import Problem
from app.domain.answers import Answer
from app.domain.events import AnswerFinished, ChatEvent, EvidenceFound, SourceCited, TextSaid

_END = format_sse_event(data_str="[DONE]")


class _Piece(BaseModel):
    model_config = ConfigDict(frozen=True)


class Delta(_Piece):
    """What is new in a chunk."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(_Piece):
    """The new piece of the one answer there is."""

    index: int
    delta: Delta
    logprobs: None
    finish_reason: Finish | None


class Chunk(_Piece):
    """One event of a stream; fields not set are not sent."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: TokenUsage | None = None
    it_support: ItSupport | None = None


class CompletionChunks:
    """The wire of one completion: the role first, pieces of text, how it ended, what it took."""

    ping = format_sse_event(comment="ping")

    def __init__(self, completion_id: str, created: int, *, usage: bool) -> None:
        self._id = completion_id
        self._created = created
        self._usage = usage

    def frame(self, event: ChatEvent) -> bytes:
        """Return an event as it goes over the wire; citations come with the end."""
        match event:
            case EvidenceFound():
                return self._encode(Delta(role="assistant", content=""))
            case TextSaid(text):
                return self._encode(Delta(content=text))
            case SourceCited():
                return b""
            case AnswerFinished(answer):
                return self._ending(answer)

    def failure(self, problem: Problem) -> bytes:
        """Return a problem as the last line."""
        return last_words(problem)

    def _ending(self, answer: Answer) -> bytes:
        ending = self._encode(Delta(), finish(answer), ItSupport.of(answer))
        if self._usage:
            spent = self._chunk([]).model_copy(update={"usage": TokenUsage.of(answer.draft.usage)})
            ending += format_sse_event(data_str=spent.model_dump_json(exclude_unset=True))
        return ending + _END

    def _encode(self, delta: Delta, finish_reason: Finish | None = None, extension: ItSupport | None = None) -> bytes:
        chunk = self._chunk([ChunkChoice(index=0, delta=delta, logprobs=None, finish_reason=finish_reason)])
        if extension:
            chunk = chunk.model_copy(update={"it_support": extension})
        return format_sse_event(data_str=chunk.model_dump_json(exclude_unset=True))

    def _chunk(self, choices: list[ChunkChoice]) -> Chunk:
        """Return a chunk; where the tokens spent were asked for, every other chunk says that it has none."""
        chunk = Chunk(id=self._id, object="chat.completion.chunk", created=self._created, model=MODEL, choices=choices)
        return chunk.model_copy(update={"usage": None}) if self._usage else chunk
