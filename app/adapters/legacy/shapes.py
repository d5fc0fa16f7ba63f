"""Finds the rows in what a file held, and turns them into JSON values.

Rows may come as a list of objects or of texts, as columns of equal length, or as objects or texts under their ids; and
any of these inside an object that has nothing else but single values.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.errors import DocumentRefused

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 2_000_000
MAX_CHARS: Final = 64 * 2**20
"""Of everything together, counting what is held in several places as often as it is seen."""

_TEXT_NAMES: Final = frozenset(
    {"answer", "body", "content", "description", "document", "page_content", "question", "resolution", "solution"}
    | {"subject", "summary", "text", "texts", "title"}
)
"""A column has one of these names, an object's id has not."""


def measure(value: Any) -> None:
    """Refuse what is nested too deeply, or too much once everything is written out; ends for loops, too."""
    values = chars = 0
    # Iterators instead of recursion: how deep it may go is ours to say.
    levels: list[Iterator[Any]] = [iter((value,))]
    while levels:
        for item in levels[-1]:
            values += 1
            chars += len(item) if isinstance(item, str | bytes) else 0
            if values > MAX_VALUES or chars > MAX_CHARS:
                raise DocumentRefused("too_large", f"holds more than {MAX_VALUES} values or {MAX_CHARS} characters")
            if isinstance(item, dict):
                levels.append(_both(item))
                break
            if isinstance(item, list | tuple | set):
                levels.append(iter(item))
                break
        else:
            levels.pop()
        if len(levels) > MAX_DEPTH + 1:
            raise DocumentRefused("too_deep", f"is nested more than {MAX_DEPTH} levels deep")


def _both(mapping: Mapping[Any, Any]) -> Iterator[Any]:
    yield from mapping
    yield from mapping.values()


def rows_of(value: Any) -> tuple[str, list[Any]]:
    """Return the shape in words, and the rows. Raises DocumentRefused for a shape that is not known."""
    found = _rows(value)
    if found is None and isinstance(value, dict):
        found = _wrapped(value)
    if found is None:
        raise DocumentRefused(
            "unknown_shape",
            f"{_kind(value)}; expected a list of objects, columns of equal length, or objects under their ids",
        )
    return found


def _rows(value: Any) -> tuple[str, list[Any]] | None:
    if isinstance(value, list | tuple):
        return _listed(list(value))
    if isinstance(value, dict) and value:
        return _columns(value) or _keyed(value)
    return None


def _listed(items: list[Any]) -> tuple[str, list[Any]] | None:
    if items and all(isinstance(item, str) for item in items):
        return "a list of texts", [{"text": item} for item in items]
    # A list with a few other things is taken: these are refused one by one, by their number.
    if not items or any(isinstance(item, dict) for item in items):
        return "a list of objects", items
    return None


def _columns(value: dict[Any, Any]) -> tuple[str, list[Any]] | None:
    """Return the rows of columns, which are lists, or objects under the numbers of the rows."""
    if not any(str(name).strip().lower() in _TEXT_NAMES for name in value):
        return None
    columns: dict[str, Any] = {str(name): column for name, column in value.items()}
    if all(isinstance(column, dict) for column in columns.values()):
        columns = {name: list(column.values()) for name, column in columns.items() if _same_keys(column, value)}
    if len(columns) != len(value) or not all(isinstance(column, list | tuple) for column in columns.values()):
        return None
    if len({len(column) for column in columns.values()}) != 1:
        lengths = ", ".join(f"{name[:40]} {len(column)}" for name, column in columns.items())
        raise DocumentRefused("unknown_shape", f"columns of different lengths: {lengths[:300]}")
    return "columns", [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _same_keys(column: dict[Any, Any], columns: dict[Any, Any]) -> bool:
    return list(column) == list(next(iter(columns.values())))


def _keyed(value: dict[Any, Any]) -> tuple[str, list[Any]] | None:
    if all(isinstance(row, dict) for row in value.values()):
        return "objects under their ids", [{"id": str(key), **row} for key, row in value.items()]
    if all(isinstance(row, str) and str(key).isdecimal() for key, row in value.items()):
        return "texts under their numbers", [{"id": str(key), "text": row} for key, row in value.items()]
    return None


def _wrapped(value: dict[Any, Any]) -> tuple[str, list[Any]] | None:
    """Return the rows of an object with one collection in it, the rest being single values."""
    inner = [(name, item) for name, item in value.items() if isinstance(item, dict | list | tuple)]
    if len(inner) != 1:
        return None
    name, item = inner[0]
    found = _rows(item)
    return None if found is None else (f"{found[0]} under '{str(name)[:40]}'", found[1])


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        names = ", ".join(f"'{str(name)[:30]}' ({type(item).__name__})" for name, item in list(value.items())[:5])
        return f"an object of {len(value)}: {names}"
    return f"a {type(value).__name__}"


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: sets sorted, bytes as text, names as text, figures that are none as null."""
    if isinstance(value, dict):
        return {_name(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set):
        return sorted(map(str, map(plain, value)))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124
        return None
    return value


def _name(key: Any) -> str:
    return key if isinstance(key, str) else str(plain(key))
