"""JSON and JSON lines: a document in every object."""

import json
from collections.abc import Iterator
from typing import Any

from app.adapters.extraction.decoding import decode
from app.adapters.extraction.limits import Budget
from app.adapters.extraction.rows import Columns, Row, documents
from app.domain.extraction import ColumnMapping, Extracted
from app.errors import DocumentRefused

_DEPTH = 4


def read(content: bytes, mapping: ColumnMapping, budget: Budget) -> Iterator[Extracted]:
    """Yield the documents of a JSON file: a list of objects, one object, or one on every line."""
    objects = _objects(decode(content))
    if len(objects) > budget.limits.documents:
        raise DocumentRefused("too_many_documents", f"holds more than {budget.limits.documents} objects")
    rows = [_row(value, number) for number, value in enumerate(objects, 1)]
    names = dict.fromkeys(name for row in rows for name in row)
    if len(names) > budget.limits.columns:
        raise DocumentRefused("too_many_columns", f"has more than {budget.limits.columns} different fields")
    yield from documents(enumerate(rows, 1), Columns(names, mapping), budget)


def _objects(text: str) -> list[Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        return _lines(text, error)
    except RecursionError as error:
        raise DocumentRefused("too_deep", "is nested too deeply") from error
    if isinstance(value, dict):
        # An export often wraps its only list: {"tickets": [...]}.
        lists = [inner for inner in value.values() if isinstance(inner, list) and inner and isinstance(inner[0], dict)]
        return lists[0] if len(lists) == 1 and len(value) <= _DEPTH else [value]
    return value if isinstance(value, list) else [value]


def _lines(text: str, error: ValueError) -> list[Any]:
    """Read an object from every line; a file that is none of that is refused for what the whole of it lacks."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if line.strip():
                found.append(json.loads(line))
        except RecursionError as deep:
            raise DocumentRefused("too_deep", "is nested too deeply") from deep
        except ValueError:
            at = number if found else getattr(error, "lineno", 1)
            raise DocumentRefused("unreadable", f"is no JSON on line {at}") from error
    return found


def _row(value: Any, number: int) -> Row:
    if not isinstance(value, dict):
        raise DocumentRefused("unreadable", f"entry {number} is no object")
    return dict(_fields(value, "", 0))


def _fields(value: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield the fields that hold text; those of an object inside under `outer.inner`."""
    for name, inner in value.items():
        if isinstance(inner, dict) and depth < _DEPTH:
            yield from _fields(inner, f"{prefix}{name}.", depth + 1)
        elif isinstance(inner, list):
            yield prefix + name, tuple(_scalar(entry) for entry in inner if isinstance(entry, str | int | float))
        elif isinstance(inner, str | int | float):
            yield prefix + name, _scalar(inner)


def _scalar(value: str | float) -> str:
    return value if isinstance(value, str) else json.dumps(value)
