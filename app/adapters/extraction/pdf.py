"""PDF: the text of its pages, under the headings of its bookmarks where it has any."""

import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError, PyPdfError
from pypdf.generic import Destination

from app.adapters.extraction import plain
from app.adapters.extraction.cleaning import line as one_line
from app.adapters.extraction.limits import Budget
from app.adapters.extraction.outline import Outline
from app.domain.extraction import ColumnMapping, Extracted
from app.errors import DocumentRefused

_HYPHEN = re.compile(r"(?<=[a-zà-öø-ÿ])-\n(?=[a-zà-öø-ÿ])")
# A line of a page that ends in mid-sentence; two of these make one.
_WRAPPED = re.compile(r"(?<=[\w,;–-])[ \t]*\n(?=[a-zà-öø-ÿ(])")
_BOOKMARKS = 1_000
_LEVELS = 3


def read(content: bytes, mapping: ColumnMapping, budget: Budget) -> Iterator[Extracted]:  # noqa: ARG001 - as every format
    """Yield the one document of a PDF file."""
    try:
        yield _document(content, budget)
    except FileNotDecryptedError as error:
        raise DocumentRefused("encrypted", "is protected by a password") from error
    except LimitReachedError as error:
        raise DocumentRefused("too_large_inside", "holds a stream that grows beyond what is read") from error
    except (PyPdfError, DependencyError) as error:
        raise DocumentRefused("unreadable", "is damaged, or no PDF") from error


def _document(content: bytes, budget: Budget) -> Extracted:
    reader = PdfReader(io.BytesIO(content), strict=False)
    if reader.is_encrypted:
        raise DocumentRefused("encrypted", "is protected by a password")
    pages = list(islice(reader.pages, budget.limits.pages + 1))
    if len(pages) > budget.limits.pages:
        raise DocumentRefused("too_many_pages", f"holds more than {budget.limits.pages} pages")
    bookmarks = _bookmarks(reader)
    outline = Outline(budget)
    for number, page in enumerate(pages):
        _add_page(outline, page.extract_text(), bookmarks.get(number, []))
    title = reader.metadata.title if reader.metadata else None
    return outline.finish("1", one_line(title) if isinstance(title, str) else "")


def _add_page(outline: Outline, text: str, headings: list[tuple[int, str]]) -> None:
    """Add a page, its headings where they stand on it; a single one that stands nowhere is the whole page's."""
    lines = text.split("\n")
    standing = {_plain(line) for line in lines}
    waiting = {_plain(heading): (level, heading) for level, heading in headings}
    if len(waiting) == 1 and not waiting.keys() & standing:
        outline.heading(*headings[0])
    begun: list[str] = []
    for line in lines:
        found = waiting.pop(_plain(line), None)
        if found is None:
            begun.append(line)
            continue
        plain.add(outline, _flowing("\n".join(begun)))
        outline.heading(*found)
        begun = []
    plain.add(outline, _flowing("\n".join(begun)))


def _plain(line: str) -> str:
    return " ".join(line.split()).casefold()


def _bookmarks(reader: PdfReader) -> dict[int, list[tuple[int, str]]]:
    """Return the headings by the page (from 0) they point at."""
    found: dict[int, list[tuple[int, str]]] = {}
    waiting: list[tuple[int, Any]] = [(2, entry) for entry in reversed(reader.outline)]
    for _ in range(_BOOKMARKS):
        if not waiting:
            break
        level, entry = waiting.pop()
        if isinstance(entry, list):
            waiting.extend((level + 1, inner) for inner in reversed(entry))
        elif isinstance(entry, Destination) and level < 2 + _LEVELS:
            page = reader.get_destination_page_number(entry)
            if page is not None and entry.title:
                found.setdefault(page, []).append((level, str(entry.title)))
    return found


def _flowing(text: str) -> str:
    """Join lines that were broken for the page's width alone."""
    return _WRAPPED.sub(" ", _HYPHEN.sub("", text))
