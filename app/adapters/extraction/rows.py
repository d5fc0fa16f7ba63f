"""Rows of a table, or objects: one document each."""

import re
from collections.abc import Iterable, Iterator, Mapping

from app.adapters.extraction import html, plain
from app.adapters.extraction.cleaning import line
from app.adapters.extraction.front_matter import language_code
from app.adapters.extraction.limits import Budget
from app.adapters.extraction.outline import Outline
from app.domain.extraction import ColumnMapping, Extracted
from app.domain.text import fold
from app.errors import DocumentRefused

Row = Mapping[str, str | tuple[str, ...]]

_KEYS = ("id", "key", "number", "ticketid", "articleid", "caseid", "issuekey")
_TITLES = ("subject", "title", "question", "headline", "shortdescription", "summary", "name")
_TEXTS = (
    "question", "summary", "symptom", "symptoms", "problem", "issue", "description", "body", "text", "content", "cause",
    "rootcause", "answer", "solution", "resolution", "steps", "workaround", "fix", "notes",
)  # fmt: skip
_LANGUAGES = ("language", "lang", "locale")
_ALIASES = ("aliases", "alias", "synonyms")
_FACTS = {
    "category": "category", "platform": "platform", "platforms": "platform", "os": "platform", "app": "apps",
    "apps": "apps", "product": "apps", "products": "apps", "appliesto": "apps", "version": "versions",
    "versions": "versions", "tags": "tags", "site": "site", "owner": "owner", "reviewed": "reviewed",
    "difficulty": "difficulty", "risk": "risk", "priority": "priority", "status": "status", "url": "url",
}  # fmt: skip
_LISTS = frozenset(["platform", "apps", "versions", "tags"])
_LETTERS = re.compile(r"[^a-z0-9]")
_MARKUP = re.compile(r"<(?:p|div|br|ul|ol|li|table|h[1-6]|span|strong|html|body)\b[^<>]*>", re.IGNORECASE)
_SEPARATORS = re.compile(r"[;|\n]")


class Columns:
    """Which columns of a file hold what; raises DocumentRefused where none holds text, or one named is missing."""

    def __init__(self, names: Iterable[str], mapping: ColumnMapping) -> None:
        given = list(dict.fromkeys(names))
        self._known = {_LETTERS.sub("", fold(name)): name for name in reversed(given)}
        facts = dict(mapping.metadata)
        if missing := {mapping.title, *mapping.text, *facts.values()} - {"", *given}:
            raise DocumentRefused("no_such_column", f"{len(missing)} of the columns named in the mapping are missing")
        self.key = facts.pop("id", "") or self._usual(_KEYS)
        self.language = facts.pop("language", "") or self._usual(_LANGUAGES)
        self.aliases = facts.pop("aliases", "") or self._usual(_ALIASES)
        self.title = mapping.title or self._usual(_TITLES)
        self.text = mapping.text or tuple(
            self._known[name] for name in _TEXTS if name in self._known and self._known[name] != self.title
        )
        usual = {} if mapping.metadata else {_FACTS[name]: self._known[name] for name in _FACTS if name in self._known}
        self.facts = facts or usual
        if not (self.text or self.title):
            raise DocumentRefused("no_columns", f"holds none of the columns {', '.join(_TITLES[:3] + _TEXTS[6:9])}")

    def _usual(self, names: Iterable[str]) -> str:
        return next((self._known[name] for name in names if name in self._known), "")


def documents(rows: Iterable[tuple[int, Row]], columns: Columns, budget: Budget) -> Iterator[Extracted]:
    """Yield a document for every row (with its number, from 1) that holds any text; raises DocumentRefused."""
    seen: dict[str, int] = {}
    for number, row in rows:
        if not any(_text(row, name).strip() for name in (columns.title, *columns.text)):
            continue
        key = line(_text(row, columns.key), 200) or str(number)
        if key in seen:
            raise DocumentRefused("duplicate_id", f"rows {seen[key]} and {number} have the same id")
        seen[key] = number
        yield _document(key, row, columns, budget)
    if not seen:
        raise DocumentRefused("no_text", "holds no row with text")


def _document(key: str, row: Row, columns: Columns, budget: Budget) -> Extracted:
    outline = Outline(budget)
    texts = [(name, _text(row, name)) for name in columns.text]
    told = [(name, text) for name, text in texts if text.strip()] or [("", _text(row, columns.title))]
    for name, text in told:
        if len(columns.text) > 1 and name:
            outline.heading(2, _spoken(name))
        _add(outline, text)
    language = language_code(_text(row, columns.language))
    aliases = _list(row.get(columns.aliases, ()))
    metadata = {
        name: _list(value) if name in _LISTS or isinstance(value, tuple) else line(value)
        for name, column in columns.facts.items()
        if (value := row.get(column, ""))
    }
    named = {language or "en": aliases} if aliases else {}
    return outline.finish(key, _text(row, columns.title), language, named, metadata)


def _add(outline: Outline, text: str) -> None:
    """Add the text of a cell, which other systems export as HTML or as plain text."""
    if _MARKUP.search(text):
        html.add(outline, text)
    else:
        plain.add(outline, text)


def _spoken(name: str) -> str:
    """Return a column's name as a heading: `root_cause` as `Root cause`."""
    words = re.sub(r"[_.\s]+", " ", name).strip()
    return words[:1].upper() + words[1:]


def _text(row: Row, name: str) -> str:
    value = row.get(name, "") if name else ""
    return value if isinstance(value, str) else "\n".join(value)


def _list(value: str | tuple[str, ...]) -> tuple[str, ...]:
    parts = _SEPARATORS.split(value) if isinstance(value, str) else value[:100]
    return tuple(dict.fromkeys(text for text in map(line, parts) if text))
