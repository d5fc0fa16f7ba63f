"""What requests may hold: strict types, no unknown fields, a bound on everything."""

import unicodedata
from dataclasses import replace
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.api import examples
from app.domain.conversations import Device, Question
from app.domain.retrieval import Filters

_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul_character", "must not contain NUL characters")
    return text


def _visible(text: str) -> str:
    """Refuse a text of zero-width and control characters alone: it looks blank, so it is."""
    if all(unicodedata.category(char) in _INVISIBLE for char in text):
        raise PydanticCustomError("blank_text", "must not be blank")
    return text


QueryText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    AfterValidator(_no_nul),
    AfterValidator(_visible),
]
Fact = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), AfterValidator(_no_nul)]
Term = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_no_nul)]
Terms = Annotated[list[Term], Field(min_length=1, max_length=10)]
Language = Literal["en", "de", "fr", "es"]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class AskerContext(_Strict):
    """What is known of the device and the place the question is about."""

    os: Fact = Field("", description="The operating system.", examples=["Windows 11"])
    app: Fact = Field("", description="The application.", examples=["Outlook"])
    version: Fact = Field("", description="Its version.", examples=["16.0"])
    site: Fact = Field("", description="The site or office.", examples=["Berlin"])

    def device(self) -> Device:
        """Return the same in the domain's words."""
        return Device(**self.model_dump())


class MetadataFilters(_Strict):
    """Metadata the evidence must have: for each name that is given, at least one of the values."""

    category: Terms | None = Field(None, description="The subject area.", examples=[["vpn"]])
    platform: Terms | None = Field(None, description="The operating system.", examples=[["windows"]])
    kind: Terms | None = Field(None, description="`article`, `ticket` or `page`.", examples=[["article"]])
    language: Terms | None = Field(None, description="The document's language.", examples=[["en"]])
    difficulty: Terms | None = Field(None, description="How hard it is.", examples=[["easy"]])
    risk: Terms | None = Field(None, description="What may go wrong.", examples=[["none"]])
    owner: Terms | None = Field(None, description="The team that keeps it.", examples=[["network-team"]])

    def filters(self) -> Filters:
        """Return the same in the domain's words."""
        given = self.model_dump(exclude_none=True)
        return Filters({name: frozenset(values) for name, values in given.items()})


class SearchRequest(_Strict):
    """A search for evidence."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SEARCH_REQUEST]})

    query: QueryText = Field(description="The question, 1 to 2000 characters after trimming.")
    top_k: int = Field(4, ge=1, le=20, description="How many documents to find at most.")
    language: Language | None = Field(None, description="The question's language; detected where it is not given.")
    context: AskerContext | None = Field(None, description="The device and place the question is about.")
    filters: MetadataFilters | None = Field(None, description="Metadata the evidence must have.")

    def question(self) -> Question:
        """Return the same in the domain's words."""
        return Question(
            text=self.query,
            top_k=self.top_k,
            language=self.language,
            device=self.context.device() if self.context else Device(),
            filters=self.filters.filters() if self.filters else Filters(),
        )


class ChatRequest(SearchRequest):
    """A question to be answered from evidence."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CHAT_REQUEST, examples.FOLLOW_UP]})

    max_tokens: int = Field(150, ge=50, le=500, description="The answer's length at most, in tokens.")
    stream: bool = Field(default=False, description="Answer as server-sent events.")
    conversation_id: Annotated[UUID, Field(strict=False)] | None = Field(
        None, description="The conversation this question continues; a new one begins where it is not given."
    )

    def question(self) -> Question:
        """Return the same in the domain's words."""
        conversation = str(self.conversation_id) if self.conversation_id else None
        return replace(super().question(), max_tokens=self.max_tokens, conversation_id=conversation)
