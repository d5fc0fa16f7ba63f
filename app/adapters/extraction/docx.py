"""DOCX: turned into HTML, and read as that."""

import io
from collections.abc import Iterator
from typing import Any
from xml.parsers.expat import ExpatError

import mammoth

from app.adapters.extraction import html
from app.adapters.extraction.archive import inspect
from app.adapters.extraction.limits import Budget
from app.domain.extraction import ColumnMapping, Extracted
from app.errors import DocumentRefused

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
b => strong
"""


def read(content: bytes, mapping: ColumnMapping, budget: Budget) -> Iterator[Extracted]:  # noqa: ARG001 - as every format
    """Yield the one document of a Word file."""
    if "word/document.xml" not in inspect(content, budget.limits):
        raise DocumentRefused("wrong_format", "is no Word document: it has no word/document.xml")
    try:
        page = mammoth.convert_to_html(
            io.BytesIO(content),
            style_map=_STYLES,
            convert_image=_no_image,
            external_file_access=False,
            include_embedded_style_map=False,
        )
    except (ExpatError, KeyError, ValueError) as error:
        raise DocumentRefused("unreadable", "is damaged, or no Word document") from error
    yield html.document(page.value, budget)


def _no_image(image: Any) -> list[Any]:  # noqa: ARG001 - the library passes it
    """Leave images out, unread."""
    return []
