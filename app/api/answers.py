"""What the service answers, made from the domain's objects and from nothing else."""

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from app.api import examples
from app.domain.answers import Answer, Citation, Grounding, Outcome, Usage
from app.domain.retrieval import Evidence, Hit, HitWarning

# Metadata clients may see: what a source adds for its own use stays inside.
_PUBLIC = ("category", "platform", "difficulty", "risk", "owner", "reviewed", "versions", "apps", "status", "resolved")
# Bounds of numbers we compute are told, not enforced: a rounding error must not become an internal error.
_SHARE: dict[str, Any] = {"minimum": 0, "maximum": 1}
_COUNT: dict[str, Any] = {"minimum": 0}
_WARNINGS = (
    "What to know before using the document: it is for other versions only (`version_mismatch`), for other platforms "
    "only (`other_platform`), for other sites only (`other_site`) than the question or its context names."
)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class SearchResult(_Answer):
    """A document that was found, with its best passage."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SEARCH_RESULT]})

    subject: str = Field(description="The document's title.")
    answer: str = Field(description="The passage.")
    score: float = Field(
        description="The estimated probability that it answers the question.", json_schema_extra=_SHARE
    )
    metadata: dict[str, str | list[str]] = Field(
        description="`document_id`, `passage_id`, `kind`, `language`, and what the document says of itself."
    )
    warnings: list[HitWarning] = Field(description=_WARNINGS)
    duplicates: list[str] = Field(description="The ids of documents that say the same and are left out for this one.")

    @classmethod
    def of(cls, hit: Hit) -> Self:
        """Translate a hit."""
        document, passage = hit.document, hit.passage
        metadata: dict[str, str | list[str]] = {
            "document_id": document.id,
            "passage_id": passage.id,
            "kind": document.kind.value,
            "language": document.language,
        }
        for name in _PUBLIC:
            value = document.metadata.get(name)
            if value:
                metadata[name] = value if isinstance(value, str) else [str(item) for item in value]
        return cls(
            subject=document.title,
            answer=passage.text,
            score=round(hit.score, 4),
            metadata=metadata,
            warnings=list(hit.warnings),
            duplicates=list(hit.duplicates),
        )


class CitedSource(_Answer):
    """A source the answer uses; `number` is its mark in the text."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CITATION]})

    number: int = Field(description="The mark in the text, from 1.", json_schema_extra={"minimum": 1})
    document_id: str = Field(description="The document.")
    passage_id: str = Field(description="The passage of it.")
    title: str = Field(description="The document's title.")
    quote: str = Field(description="What was taken from it.")

    @classmethod
    def of(cls, citation: Citation) -> Self:
        """Translate a citation."""
        return cls(
            number=citation.number,
            document_id=citation.document_id,
            passage_id=citation.passage_id,
            title=citation.title,
            quote=citation.quote,
        )


class GroundingReport(_Answer):
    """How well the answer is carried by its evidence."""

    method: str = Field(description="How the answer was made or checked.")
    sentences: int = Field(description="Sentences said.", json_schema_extra=_COUNT)
    grounded: int = Field(description="Those carried by the passage they cite.", json_schema_extra=_COUNT)
    dropped: int = Field(description="Sentences a model wrote that were not said.", json_schema_extra=_COUNT)
    fallback: bool = Field(description="The extracted answer took the written one's place.")

    @classmethod
    def of(cls, grounding: Grounding) -> Self:
        """Translate a grounding."""
        return cls(
            method=grounding.method,
            sentences=grounding.sentences,
            grounded=grounding.grounded,
            dropped=grounding.dropped,
            fallback=grounding.fallback,
        )


class TokenUsage(_Answer):
    """Tokens spent on this answer."""

    prompt_tokens: int = Field(description="Read.", json_schema_extra=_COUNT)
    completion_tokens: int = Field(description="Written.", json_schema_extra=_COUNT)
    total_tokens: int = Field(description="Both.", json_schema_extra=_COUNT)

    @classmethod
    def of(cls, usage: Usage) -> Self:
        """Translate a usage."""
        return cls(
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            total_tokens=usage.total_tokens,
        )


class ChatAnswer(_Answer):
    """The answer to a question, the evidence it rests on, and how it ended."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CHAT_ANSWER]})

    response: str = Field(description="The answer, in light Markdown with citation marks such as `[1]`.")
    query: str = Field(description="The question as it was understood, trimmed.")
    context_used: bool = Field(description="The answer rests on evidence.")
    search_results: list[SearchResult] = Field(description="The documents found, best first.")
    warnings: list[HitWarning] = Field(description="The warnings of the best document found.")
    processing_time: float = Field(description="Seconds.", json_schema_extra=_COUNT)
    timestamp: datetime = Field(description="When it was answered, UTC.")
    conversation_id: str = Field(description="The conversation; send it along with the next question.")
    message_id: str = Field(description="This answer's id.")
    outcome: Outcome = Field(description="How the question ended.")
    answerability: float = Field(
        description="The estimated probability that the knowledge base answers the question.", json_schema_extra=_SHARE
    )
    citations: list[CitedSource] = Field(description="The sources the answer uses, in the order of their marks.")
    grounding: GroundingReport
    usage: TokenUsage
    model: str = Field(description="What wrote the answer.")
    degraded: bool = Field(description="The language model failed: the evidence answers in its place, or cut short.")
    cached: bool = Field(description="The answer was given before and still holds.")
    persisted: bool = Field(description="Question and answer were stored.")
    language: str = Field(description="The answer's language.")

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Translate an answer."""
        draft = answer.draft
        return cls(
            response=draft.text,
            query=answer.query,
            context_used=bool(draft.citations),
            search_results=[SearchResult.of(hit) for hit in answer.hits],
            warnings=list(answer.hits[0].warnings) if answer.hits else [],
            processing_time=round(answer.processing_time, 4),
            timestamp=answer.timestamp.astimezone(UTC),
            conversation_id=answer.conversation_id,
            message_id=answer.message_id,
            outcome=draft.outcome,
            answerability=round(answer.answerability, 4),
            citations=[CitedSource.of(citation) for citation in draft.citations],
            grounding=GroundingReport.of(draft.grounding),
            usage=TokenUsage.of(draft.usage),
            model=draft.model,
            degraded=draft.degraded,
            cached=answer.cached,
            persisted=answer.persisted,
            language=answer.language,
        )


class SearchAnswer(_Answer):
    """The evidence for a question."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SEARCH_ANSWER]})

    query: str = Field(description="The question, trimmed.")
    search_results: list[SearchResult] = Field(description="The documents found, best first.")
    answerability: float = Field(
        description="The estimated probability that the knowledge base answers the question.", json_schema_extra=_SHARE
    )
    sufficient: bool = Field(description="The evidence is enough to answer from.")
    release: str = Field(description="The index release that was searched.")
    processing_time: float = Field(description="Seconds.", json_schema_extra=_COUNT)
    timestamp: datetime = Field(description="When it was searched, UTC.")

    @classmethod
    def of(cls, evidence: Evidence, seconds: float) -> Self:
        """Translate evidence."""
        return cls(
            query=evidence.query,
            search_results=[SearchResult.of(hit) for hit in evidence.hits],
            answerability=round(evidence.answerability, 4),
            sufficient=evidence.sufficient,
            release=evidence.release,
            processing_time=round(seconds, 4),
            timestamp=datetime.now(UTC),
        )


class EvidenceFrame(_Answer):
    """The data of a `search_results` event."""

    search_results: list[SearchResult]
    answerability: float
    sufficient: bool

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """Translate evidence."""
        return cls(
            search_results=[SearchResult.of(hit) for hit in evidence.hits],
            answerability=round(evidence.answerability, 4),
            sufficient=evidence.sufficient,
        )


class TextFrame(_Answer):
    """The data of a `message` event: a piece of the answer, never the text so far."""

    delta: str
