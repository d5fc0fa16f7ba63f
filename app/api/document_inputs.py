"""Documents as they are sent as JSON."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from app.api import document_examples as examples
from app.api.schemas import Language, _no_nul, _Strict, _visible
from app.domain.extraction import Extracted
from app.domain.knowledge import Section, SectionKind

MOST_DOCUMENTS = 1000

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(_no_nul),
    AfterValidator(_visible),
]
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200_000),
    AfterValidator(_no_nul),
    AfterValidator(_visible),
]
Fact = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), AfterValidator(_no_nul)]
Facts = Annotated[list[Fact], Field(min_length=1, max_length=20)]


class DocumentMetadata(_Strict):
    """What can be filtered by, and is shown with an answer."""

    category: Fact | None = Field(None, description="The subject area.", examples=["vpn"])
    platform: Facts | None = Field(None, description="Operating systems.", examples=[["windows"]])
    versions: Facts | None = Field(None, description="Versions it holds for.", examples=[["11"]])
    apps: Facts | None = Field(None, description="Applications it is about.", examples=[["Outlook"]])
    difficulty: Fact | None = Field(None, description="How hard it is.", examples=["easy"])
    risk: Fact | None = Field(None, description="What may go wrong.", examples=["none"])
    owner: Fact | None = Field(None, description="The team that keeps it.", examples=["network-team"])
    reviewed: Fact | None = Field(None, description="When it was last reviewed.", examples=["2026-11-01"])


class JsonDocument(_Strict):
    """A document as JSON."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.REPLACEMENT]})

    title: Title = Field(description="Its title, 1 to 300 characters.")
    text: Text = Field(description="Its text, Markdown or plain, 1 to 200000 characters.")
    language: Language | None = Field(None, description="Its language; detected where it is not given.")
    metadata: DocumentMetadata | None = Field(None, description="What can be filtered by.")

    def extracted(self) -> Extracted:
        """Return the same in the domain's words."""
        facts = self.metadata.model_dump(exclude_none=True) if self.metadata else {}
        section = Section("", SectionKind.BODY, self.text)
        return Extracted("0", self.title, (section,), self.language or "", metadata=facts)


class NewJsonDocument(JsonDocument):
    """A document as JSON, with a name of the sender's that nobody else's has."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.DOCUMENT]})

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,128}$", max_length=128)] | None = Field(
        None, description="Your own id for it; a second document with it is refused.", examples=["kb-1042"]
    )


class JsonDocuments(_Strict):
    """Documents as JSON."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"documents": [examples.DOCUMENT]}]})

    documents: list[NewJsonDocument] = Field(min_length=1, max_length=MOST_DOCUMENTS, description="1 to 1000 of them.")
