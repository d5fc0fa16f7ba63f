"""Plain text: paragraphs, numbered lines, and lines that are nothing but a heading's usual words."""

import re
from collections.abc import Iterator

from app.adapters.extraction.cleaning import visible
from app.adapters.extraction.decoding import decode
from app.adapters.extraction.limits import Budget
from app.adapters.extraction.outline import Outline, kind_of
from app.domain.extraction import ColumnMapping, Extracted

_HEADING_CHARS = 40
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_NUMBERED = re.compile(r"[ \t]*\d{1,3}[.)][ \t]+(\S.*)")


def read(content: bytes, mapping: ColumnMapping, budget: Budget) -> Iterator[Extracted]:  # noqa: ARG001 - as every format
    """Yield the one document of a text file."""
    source = decode(content, legacy=True)
    budget.check_source(source)
    outline = Outline(budget)
    add(outline, source)
    yield outline.finish("1")


def add(outline: Outline, text: str) -> None:
    """Add plain text to a document."""
    for paragraph in _PARAGRAPH.split(visible(text)):
        lines: list[str] = []
        for line in paragraph.split("\n"):
            if _is_heading(line):
                _add_lines(outline, lines)
                outline.heading(2, line.strip().rstrip(":"))
                lines = []
            else:
                lines.append(line)
        _add_lines(outline, lines)


def _is_heading(line: str) -> bool:
    """Take a line for a heading that says what follows it is for."""
    return len(line) <= _HEADING_CHARS and "." not in line and kind_of(line) is not None


def _add_lines(outline: Outline, lines: list[str]) -> None:
    """Add a paragraph; from its first numbered line on, a line without a number goes on with the one before."""
    steps: list[str] = []
    for line in lines:
        found = _NUMBERED.match(line)
        if found is not None:
            steps.append(found[1])
        elif steps:
            steps[-1] += " " + line.strip()
    outline.block("\n".join(lines), steps)
