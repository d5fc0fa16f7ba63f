"""Solved tickets: one JSON file with a list of tickets."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.adapters.sources.articles import Platform
from app.adapters.sources.reading import Line, Prose, digest, explain, text_of
from app.domain.knowledge import Document, DocumentKind, Origin, Section, SectionKind
from app.errors import KnowledgeInvalid


class Ticket(BaseModel):
    """A ticket that was solved; `article` is the article that holds the same fix, if there is one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^T-\d{1,9}$")]
    subject: Line
    description: Prose
    resolution: Prose
    summary: Prose
    category: Line
    platform: tuple[Platform, ...] = Field(min_length=1)
    language: Literal["en", "de", "fr", "es"]
    status: Literal["solved"]
    created: date
    resolved: date
    article: Line | None


class TicketFile:
    """The tickets of one file; the KnowledgeSource port. A file that is not there holds no tickets."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fingerprint(self) -> str:
        """Return a digest of the file."""
        return digest(self._path.parent, [self._path] if self._path.is_file() else [])

    def documents(self) -> Iterator[Document]:
        """Yield the tickets in the file's order. Raises KnowledgeInvalid for the first that cannot be used."""
        if not self._path.is_file():
            return
        text = text_of(self._path)
        for index, row in enumerate(self._rows(text)):
            ticket = self._ticket(text, index, row)
            yield _document(ticket, Origin(str(self._path), _line_of(text, ticket.id)))

    def _rows(self, text: str) -> list[Any]:
        try:
            rows = json.loads(text)
        except json.JSONDecodeError as error:
            raise KnowledgeInvalid(self._path, error.lineno, f"is not JSON: {error.msg}") from error
        except (RecursionError, ValueError) as error:  # a number of thousands of digits is a ValueError
            raise KnowledgeInvalid(self._path, 1, "is nested too deeply, or holds a number too long to read") from error
        if not isinstance(rows, list):
            raise KnowledgeInvalid(self._path, 1, "is not a list of tickets")
        return rows

    def _ticket(self, text: str, index: int, row: Any) -> Ticket:
        try:
            return Ticket.model_validate(row)
        except ValidationError as error:
            field, problem = explain(error)
            name = str(row.get("id", "")) if isinstance(row, dict) else ""
            message = f"ticket {index + 1} {name}: {field}: {problem}"
            raise KnowledgeInvalid(self._path, _line_of(text, name), message) from error


def _line_of(text: str, name: str) -> int:
    """Return the line (from 1) on which a ticket's id last stands: of two with the same id, the second's."""
    at = text.rfind(f'"{name}"') if name else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else 1


def _document(ticket: Ticket, origin: Origin) -> Document:
    return Document(
        id=ticket.id,
        kind=DocumentKind.TICKET,
        title=ticket.subject,
        sections=(
            Section("Problem", SectionKind.SYMPTOM, ticket.description),
            Section("Resolution", SectionKind.BODY, ticket.resolution),
        ),
        language=ticket.language,
        aliases={ticket.language: (ticket.summary,)},
        metadata=ticket.model_dump(
            mode="json", exclude={"id", "subject", "description", "resolution", "language"}, exclude_none=True
        ),
        origin=origin,
    )
