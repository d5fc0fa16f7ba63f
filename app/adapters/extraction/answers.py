"""Checks what the reading process says: a file may have made it say anything."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.adapters.extraction.cleaning import hidden
from app.adapters.extraction.limits import Limits
from app.adapters.extraction.wire import Broken
from app.domain.extraction import Extracted
from app.domain.files import Shape
from app.domain.knowledge import Risk, Section, SectionKind, Step


def _shown(text: str) -> str:
    if hidden(text):
        raise ValueError("holds characters that show nothing")
    return text


_Text = Annotated[str, AfterValidator(_shown)]
_Line = Annotated[_Text, StringConstraints(max_length=300)]
_Code = Annotated[str, StringConstraints(pattern=r"^[a-z]{0,3}$")]
_Word = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
_STRICT = ConfigDict(extra="forbid", frozen=True)


class _Step(BaseModel):
    model_config = _STRICT

    number: int = Field(ge=1)
    text: _Text
    risk: Risk


class _Section(BaseModel):
    model_config = _STRICT

    heading: _Line
    kind: SectionKind
    text: _Text = Field(min_length=1)
    steps: tuple[_Step, ...]


class _Document(BaseModel):
    model_config = _STRICT

    key: _Line = Field(min_length=1)
    title: _Line
    sections: tuple[_Section, ...] = Field(min_length=1)
    language: _Code
    aliases: dict[_Code, tuple[_Line, ...]]
    metadata: dict[_Line, _Line | tuple[_Line, ...]]


class _Shape(BaseModel):
    model_config = _STRICT

    pages: int = Field(ge=0)
    records: int = Field(ge=0)
    fields: tuple[_Line, ...]


class Answer(BaseModel):
    """One answer; one of the first three says anything, beside a shape where that was asked for."""

    model_config = _STRICT

    documents: tuple[_Document, ...] = ()
    refused: tuple[_Word, _Line] | None = None
    fault: _Line = ""
    shape: _Shape | None = None
    ready: bool = False
    last: bool = False

    def extracted(self, limits: Limits) -> tuple[Extracted, ...]:
        """Return the documents; raises Broken where there are none, or too many."""
        if not 0 < len(self.documents) <= limits.documents:
            raise Broken("says no documents, or too many")
        return tuple(_extracted(document) for document in self.documents)

    def shaped(self, limits: Limits) -> tuple[tuple[Extracted, ...], Shape]:
        """Return the documents of a file asked for as a whole, none for a text, and its shape; raises Broken."""
        if self.shape is None or len(self.documents) > limits.documents:
            raise Broken("says no shape, or too many documents")
        shape = Shape(self.shape.pages, self.shape.records, self.shape.fields)
        return tuple(_extracted(document) for document in self.documents), shape


def parsed(payload: bytes) -> Answer:
    """Return an answer as it was said; raises Broken for anything else."""
    try:
        return Answer.model_validate_json(payload)
    except ValidationError as error:
        raise Broken("says what cannot be understood") from error


def _extracted(document: _Document) -> Extracted:
    sections = tuple(
        Section(part.heading, part.kind, part.text, tuple(Step(s.number, s.text, s.risk) for s in part.steps))
        for part in document.sections
    )
    return Extracted(
        document.key, document.title, sections, document.language, dict(document.aliases), dict(document.metadata)
    )
