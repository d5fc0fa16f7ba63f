"""A file of any format as a whole: its structure, its text where that has to be taken out, and nothing that acts.

Runs in the reading process.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.adapters.extraction import formats
from app.adapters.extraction.cleaning import line
from app.adapters.extraction.decoding import decode
from app.adapters.extraction.limits import Limits
from app.domain.extraction import ColumnMapping
from app.domain.files import Shape
from app.errors import DocumentRefused

_DEPTH = 100
"""How deeply JSON may be nested."""
_FIELDS = 50
_CHARS = 100
_SEPARATORS = ",;\t|"
# What a spreadsheet would run: a formula, a call, another program.
_ACTING = re.compile(r"[\s\"']*+(?:=(?![=\s])|[+\-@](?:[A-Za-z.]{2,30}\(|\w{1,30}\|)|@[A-Za-z]{2,30}\()")


def whole(suffix: str, content: bytes, limits: Limits) -> dict[str, Any]:
    """Return what is answered of a file: its shape, and its documents where its text is not its content."""
    formats.check(suffix, content, limits)
    match formats.FORMATS[suffix]:
        case "records":
            return {"shape": _json(decode(content))}
        case "table":
            return {"shape": _table(decode(content, legacy=True), limits)}
        case "plain" | "markdown":
            return {"shape": Shape()}
    from app.adapters.extraction.acting import refuse_acting  # noqa: PLC0415 - a library that takes a while

    shape = refuse_acting(suffix, content, limits)
    return {"shape": shape, "documents": formats.read(suffix, content, ColumnMapping(), limits)}


def _json(text: str) -> Shape:
    with _depth(_DEPTH):
        try:
            value = json.loads(text)
        except RecursionError as error:
            raise DocumentRefused("too_deep", f"is nested more than {_DEPTH} times") from error
        except ValueError as error:
            return _json_lines(text, error)
    rows = value if isinstance(value, list) else [value]
    return Shape(records=len(rows), fields=_fields(rows[0] if rows else None))


def _json_lines(text: str, whole: ValueError) -> Shape:
    first, count = None, 0
    for number, row in enumerate(io.StringIO(text), 1):
        if not row.strip():
            continue
        try:
            value = json.loads(row)
        except RecursionError as error:
            raise DocumentRefused("too_deep", f"is nested more than {_DEPTH} times") from error
        except ValueError as error:
            at = number if count else getattr(whole, "lineno", number)
            raise DocumentRefused("unreadable", f"is no JSON on line {at}") from error
        first = first if count else value
        count += 1
    return Shape(records=count, fields=_fields(first))


def _fields(value: Any) -> tuple[str, ...]:
    names = list(value)[:_FIELDS] if isinstance(value, dict) else []
    return tuple(name for name in (line(str(name), _CHARS) for name in names) if name)


@contextmanager
def _depth(most: int) -> Iterator[None]:
    """Let what is called in the block call itself so many times at most; the parser counts its nesting that way."""
    outer, frame, here = sys.getrecursionlimit(), sys._getframe(), 0  # noqa: SLF001 - the only way to count
    while frame.f_back is not None:
        frame, here = frame.f_back, here + 1
    sys.setrecursionlimit(here + most)
    try:
        yield
    finally:
        sys.setrecursionlimit(outer)


def _table(text: str, limits: Limits) -> Shape:
    csv.field_size_limit(limits.file_bytes)
    text = text.lstrip("\ufeff\r\n")
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    header: list[str] = []
    count = -1
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            header = header or row
            count += any(row)
            _refuse_row(row, count + 1, limits)
    except csv.Error as error:
        raise DocumentRefused("unreadable", "is no CSV") from error
    return Shape(records=max(0, count), fields=tuple(filter(None, (line(name, _CHARS) for name in header[:_FIELDS]))))


def _refuse_row(row: list[str], number: int, limits: Limits) -> None:
    if len(row) > limits.columns:
        raise DocumentRefused("too_many_columns", f"has more than {limits.columns} columns")
    if any(_ACTING.match(cell) for cell in row):
        raise DocumentRefused("unsafe_cells", f"row {number} holds a formula that a spreadsheet would run")
