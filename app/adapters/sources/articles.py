"""Articles: a folder of Markdown files with front matter."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.adapters.sources.reading import Line, digest, explain, parse_yaml, text_of
from app.domain.knowledge import Document, DocumentKind, Origin, Risk, Section, SectionKind, Step
from app.errors import KnowledgeInvalid

_FENCE = "---"
_HEADING = re.compile(r"^## +(.+?)\s*$")
_STEP = re.compile(r"^(\d+)\. +(?:\[(admin|destructive)\] +)?(\S.*)$")
_KINDS = {
    "symptom": SectionKind.SYMPTOM,
    "cause": SectionKind.CAUSE,
    "steps": SectionKind.STEPS,
    "if that did not help": SectionKind.FALLBACK,
}

_Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,79}$")]
Platform = Literal["windows", "macos", "linux", "ios", "android", "web", "any"]


class FrontMatter(BaseModel):
    """What stands above an article's text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: _Id
    subject: Line
    category: _Id
    platform: tuple[Platform, ...] = Field(min_length=1)
    versions: tuple[Line, ...] = ()
    apps: tuple[Line, ...] = ()
    difficulty: Literal["easy", "medium", "hard"]
    risk: Risk
    language: Literal["en", "de", "fr", "es"]
    reviewed: date
    owner: _Id
    aliases: dict[Literal["en", "de", "fr", "es"], tuple[Line, ...]] = {}


class ArticleFolder:
    """Every `*.md` below a folder is an article; the KnowledgeSource port."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def fingerprint(self) -> str:
        """Return a digest over the names and contents of all files."""
        return digest(self._root, self._files())

    def documents(self) -> Iterator[Document]:
        """Yield the articles by path. Raises KnowledgeInvalid for the first that cannot be used."""
        for path in self._files():
            yield read_article(path)

    def _files(self) -> list[Path]:
        if not self._root.is_dir():
            raise KnowledgeInvalid(self._root, 1, "is not a folder")
        return sorted(path for path in self._root.rglob("*.md") if path.is_file())


def read_article(path: Path) -> Document:
    """Read one article; raises KnowledgeInvalid with the line at fault."""
    lines = text_of(path).split("\n")
    if lines[0].rstrip() != _FENCE:
        raise KnowledgeInvalid(path, 1, "does not begin with front matter (---)")
    end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        raise KnowledgeInvalid(path, 1, "front matter has no end (---)")
    front = _front_matter(path, lines[1:end])
    sections = tuple(_sections(path, lines, end + 1))
    if not sections:
        raise KnowledgeInvalid(path, end + 1, "has no text below its front matter")
    return Document(
        id=front.id,
        kind=DocumentKind.ARTICLE,
        title=front.subject,
        sections=sections,
        language=front.language,
        aliases={str(language): names for language, names in front.aliases.items()},
        metadata=front.model_dump(mode="json", exclude={"id", "subject", "aliases", "language"}),
        origin=Origin(str(path), _line_of("id", lines)),
    )


def _front_matter(path: Path, lines: list[str]) -> FrontMatter:
    values = parse_yaml(path, "\n".join(lines), first_line=2)
    try:
        return FrontMatter.model_validate(values)
    except ValidationError as error:
        field, problem = explain(error)
        line = _line_of(field.split(".")[0], ["", *lines])
        raise KnowledgeInvalid(path, line, f"front matter: {field}: {problem}") from error


def _line_of(key: str, lines: list[str]) -> int:
    """Return the line (from 1) on which a front matter key stands, 1 where it does not."""
    return next((at for at, text in enumerate(lines, 1) if text.startswith(f"{key}:")), 1)


def _sections(path: Path, lines: list[str], start: int) -> Iterator[Section]:
    """Yield the sections below the front matter; text before the first heading is a body of its own."""
    heading, first, body = "", start, list[str]()
    for at, line in enumerate(lines[start:], start):
        match = _HEADING.match(line)
        if match is None:
            body.append(line)
            continue
        yield from _section(path, heading, body, first)
        heading, first, body = match[1], at + 1, []
    yield from _section(path, heading, body, first)


def _section(path: Path, heading: str, body: list[str], first: int) -> Iterator[Section]:
    text = "\n".join(body).strip()
    kind = _KINDS.get(heading.lower(), SectionKind.BODY)
    if not text:
        if heading:
            raise KnowledgeInvalid(path, first, f"section '{heading}' is empty")
        return
    steps = tuple(_steps(path, body, first)) if kind is SectionKind.STEPS else ()
    yield Section(heading, kind, text, steps)


def _steps(path: Path, body: list[str], first: int) -> Iterator[Step]:
    expected = 1
    for at, line in enumerate(body, first + 1):
        if not line.strip():
            continue
        match = _STEP.match(line.strip())
        if match is None or int(match[1]) != expected:
            raise KnowledgeInvalid(path, at, f"expected step {expected}: '{expected}. text'")
        yield Step(expected, match[3], Risk(match[2] or Risk.NONE))
        expected += 1
