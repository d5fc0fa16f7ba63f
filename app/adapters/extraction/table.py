"""CSV: a header, and a document in every row."""

import csv
import io
from collections.abc import Iterator

from app.adapters.extraction.decoding import decode
from app.adapters.extraction.limits import Budget, Limits
from app.adapters.extraction.rows import Columns, Row, documents
from app.domain.extraction import ColumnMapping, Extracted
from app.errors import DocumentRefused

_SEPARATORS = ",;\t|"
_DECLARATION = "sep="


def read(content: bytes, mapping: ColumnMapping, budget: Budget) -> Iterator[Extracted]:
    """Yield the documents of a CSV file."""
    # Longer fields are refused by their text's length, which names the limit.
    csv.field_size_limit(budget.limits.file_bytes)
    text, separator = _dialect(decode(content, legacy=True))
    try:
        yield from _documents(text, separator, mapping, budget)
    except csv.Error as error:
        raise DocumentRefused("unreadable", "is no CSV") from error


def _documents(text: str, separator: str, mapping: ColumnMapping, budget: Budget) -> Iterator[Extracted]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header = [name.strip() for name in next(lines, [])]
    if len(header) > budget.limits.columns:
        raise DocumentRefused("too_many_columns", f"has more than {budget.limits.columns} columns")
    columns = Columns(filter(None, header), mapping)
    yield from documents(_rows(lines, header, budget.limits), columns, budget)


def _rows(lines: Iterator[list[str]], header: list[str], limits: Limits) -> Iterator[tuple[int, Row]]:
    number = 0
    for values in lines:
        if not any(values):
            continue
        number += 1
        if number > limits.documents:
            raise DocumentRefused("too_many_documents", f"holds more than {limits.documents} rows")
        if any(values[len(header) :]):
            raise DocumentRefused("ragged_rows", f"row {number} has more fields than the header")
        yield number, dict(zip(header, values, strict=False))


def _dialect(text: str) -> tuple[str, str]:
    """Return the text below a declared separator, and the separator: declared, else what parts the header most."""
    text = text.lstrip("\ufeff\r\n")
    first, _, rest = text.partition("\n")
    if first.lower().startswith(_DECLARATION) and len(first.strip("\r")) == len(_DECLARATION) + 1:
        return rest, first[len(_DECLARATION)]
    return text, max(_SEPARATORS, key=lambda separator: _parts(first, separator))


def _parts(header: str, separator: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=separator), []))
    except csv.Error:
        return 0
