"""Answers: what is said, what carries it, and how it ended."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.retrieval import Hit


class Outcome(StrEnum):
    """How a question ended, so that no client has to read prose to know."""

    ANSWERED = "answered"
    PARTIAL = "partial"
    NO_CONTEXT = "no_context"
    CONFLICTING = "conflicting"
    ESCALATE = "escalate"
    BLOCKED = "blocked"


class AnswerMode(StrEnum):
    """How an answer is put together."""

    AUTO = "auto"
    EXTRACT = "extract"
    GENERATE = "generate"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer and the passage that carries it; `number` is the citation mark it shows."""

    text: str
    passage_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Citation:
    """A source an answer uses: `number` is the mark in the text, `quote` what was taken from the passage."""

    number: int
    document_id: str
    passage_id: str
    title: str
    quote: str


@dataclass(frozen=True, slots=True)
class Grounding:
    """How well an answer is carried.

    `sentences` were said, `grounded` of them are carried by the passage they cite (always all of them), `dropped`
    were written by a model and not said. `fallback` tells that the extractive answer took the generated one's place.
    """

    method: str
    sentences: int = 0
    grounded: int = 0
    dropped: int = 0
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent, counted by the tokenizer of the model that wrote the answer (as OpenAI's do where none did)."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """Return what both took."""
        return Usage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer as composed, before it belongs to a conversation: what the cache keeps.

    `degraded` tells that the language model failed: the answer is the extractive one, or what was said until then.
    """

    text: str
    outcome: Outcome
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    grounding: Grounding = field(default_factory=lambda: Grounding("none"))
    usage: Usage = field(default_factory=Usage)
    model: str = "none"
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer to one question; `processing_time` in seconds, `timestamp` in UTC."""

    query: str
    draft: Draft
    hits: tuple[Hit, ...]
    answerability: float
    conversation_id: str
    message_id: str
    language: str
    timestamp: datetime
    processing_time: float
    cached: bool = False
    persisted: bool = False
