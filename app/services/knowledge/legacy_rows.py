"""Makes documents of the rows of an older installation, whatever their fields are called.

Names and texts are cleaned of characters nobody sees: they can carry instructions that no reviewer reads
(OWASP LLM01, hidden text).
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from app.domain.knowledge import Document, DocumentKind, Section, SectionKind

MAX_TEXT: Final = 100_000
MAX_TITLE: Final = 300
MAX_FACTS: Final = 30
MAX_FACT: Final = 300
_DERIVED_TITLE = 120

Detect = Callable[[str], str]
"""Names the language of a text."""

_TITLE = ("subject", "title", "headline", "heading", "short_description", "topic", "name", "question")
_PROBLEM = ("description", "problem", "symptom", "issue", "question", "query", "body")
_ANSWER = ("answer", "resolution", "solution", "fix", "response", "reply", "close_notes", "text", "texts", "content")
_PAGE_TEXT = ("page_content", "body", "chunk", "chunk_text", "passage", "document", "description")
_SUMMARY = ("summary", "ticket_summary", "short_summary", "summaries")
_NESTED = ("metadata", "metadatas", "meta")
_UNSOLVED = frozenset({"open", "new", "pending", "in progress", "in_progress", "waiting", "on hold"})
_RESERVED = {"article": "legacy_article", "kind": "legacy_kind", "language": "legacy_language", "id": "legacy_id"}
"""Names that mean something to the service: what an old file says under them keeps another name."""
_SEVERAL = frozenset({"platform", "versions", "apps", "tags"})
"""Names whose values are lists."""
_PLATFORMS = frozenset({"windows", "macos", "linux", "ios", "android", "web", "any"})

_HIDDEN = re.compile(
    r"[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_WORD = re.compile(r"[a-z]+")
_NAME = re.compile(r"[^a-z0-9]+")
_SENTENCE = re.compile(r"(?<=[.!?])\s|\n")


class Unusable(Exception):
    """A row no document can be made of; the message says why."""


def document_of(row: Mapping[str, Any], kind: DocumentKind, detect: Detect) -> Document:
    """Make a document; its id is the digest of its content. Raises Unusable."""
    fields = _fields(row)
    problem, answer, summary = _texts(fields, kind)
    sections = tuple(
        Section(heading, section, text)
        for heading, section, text in (
            ("Problem", SectionKind.SYMPTOM, problem),
            (_answer_heading(kind, answer), SectionKind.BODY, answer or summary),
        )
        if text
    )
    title = _title(fields, problem or summary or answer)
    language = detect(f"{title}\n{(answer or summary)[:1000]}")
    return Document(
        id=f"legacy-{_digest(kind, title, sections)}",
        kind=kind,
        title=title,
        sections=sections,
        language=language,
        aliases={language: (summary[:MAX_FACT],)} if summary and answer else {},
        metadata=dict(_facts(fields)),
    )


def _answer_heading(kind: DocumentKind, answer: str) -> str:
    if kind is DocumentKind.PAGE:
        return "Answer"
    return "Resolution" if answer else "Summary"


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields under plain names, those of a nested `metadata` after the row's own."""
    named = {_plain_name(name): value for name, value in row.items()}
    for nested in (named.pop(name) for name in _NESTED if isinstance(named.get(name), dict)):
        for name, value in nested.items():
            named.setdefault(_plain_name(name), value)
    return named


def _plain_name(name: str) -> str:
    return _NAME.sub("_", name.strip().lower()).strip("_")[:60]


def _texts(fields: Mapping[str, Any], kind: DocumentKind) -> tuple[str, str, str]:
    """Return problem, answer and summary, which may be empty; raises Unusable where nothing answers anything."""
    ticket = kind is DocumentKind.TICKET
    answer_name, answer = _first(fields, _ANSWER if ticket else (*_ANSWER, *_PAGE_TEXT))
    _, summary = _first(fields, _SUMMARY)
    problem_names = [name for name in _PROBLEM if name != answer_name]
    if not ticket and _first(fields, _TITLE)[0] == "question":
        problem_names.remove("question")
    _, problem = _first(fields, tuple(problem_names))
    if ticket and str(fields.get("status", "")).strip().lower() in _UNSOLVED:
        raise Unusable("the ticket is not solved")
    if not answer and not summary:
        raise Unusable("holds no resolution and no summary" if ticket else "holds no text")
    if max(len(problem), len(answer), len(summary)) > MAX_TEXT:
        raise Unusable(f"holds a text of more than {MAX_TEXT} characters")
    return problem, answer, summary


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, str]:
    """Return the first of these fields that holds text, cleaned, and its name."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
            value = "\n".join(value)
        if isinstance(value, str) and (text := clean(value)):
            return name, text
    return "", ""


def clean(text: str) -> str:
    """Return a text without characters nobody sees: control, zero-width, direction, tags, halves of pairs."""
    visible = _HIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = (
        char if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn"} else "" for char in visible
    )
    return "".join(kept).strip()


def _title(fields: Mapping[str, Any], text: str) -> str:
    _, title = _first(fields, _TITLE)
    if not title:
        title = _SENTENCE.split(text, maxsplit=1)[0]
        title = title if len(title) <= _DERIVED_TITLE else f"{title[:_DERIVED_TITLE].rsplit(' ', 1)[0]} …"
    return " ".join(title.split())[:MAX_TITLE]


def _digest(kind: DocumentKind, title: str, sections: tuple[Section, ...]) -> str:
    parts = (kind.value, title, *(part for section in sections for part in (section.heading, section.text)))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _facts(fields: Mapping[str, Any]) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield what else a row says, as text; long texts are no facts."""
    shown = {*_TITLE, *_PROBLEM, *_ANSWER, *_PAGE_TEXT, *_SUMMARY, "embedding", "vector", ""}
    facts = [(name, value) for name, value in fields.items() if name not in shown]
    for name, value in facts[:MAX_FACTS]:
        several = _several(value)
        if name == "platform":
            several = tuple(word for word in _WORD.findall(" ".join(several).lower()) if word in _PLATFORMS)
        if not several or sum(map(len, several)) > MAX_FACT:
            continue
        yield _RESERVED.get(name, name), several if name in _SEVERAL else ", ".join(several)


def _several(value: Any) -> tuple[str, ...]:
    """Return a single value, or those of a list, as text."""
    values = value if isinstance(value, list) else [value]
    texts = (str(item) for item in values if isinstance(item, str | int | float))
    return tuple(text for text in map(clean, texts) if text)
