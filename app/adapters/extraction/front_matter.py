"""What stands above a Markdown text between two lines of `---`, whoever wrote it."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from app.adapters.extraction.cleaning import line
from app.domain.knowledge import Metadata
from app.errors import DocumentRefused

_FENCE = re.compile(r"\A\s*---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_CHARS = 64_000
_NAMES = 64
_VALUES = 100
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9-_]+)?")
_TOLD_ELSEWHERE = {"id", "subject", "title", "language", "lang", "locale", "aliases"}
# People and publishing machinery, which help nobody who asks a question.
_LEFT_OUT = re.compile(r"(?:ms|search|f1|feedback)[._].*|author|editor|manager|reviewers?|layout|permalink")
_RENAMED = {
    "appliesto": "apps", "applies_to": "apps", "products": "apps", "product": "apps", "app": "apps",
    "os": "platform", "platforms": "platform", "version": "versions", "ms.date": "reviewed", "keywords": "tags",
}  # fmt: skip


class _TextLoader(yaml.BaseLoader):
    """Leaves every scalar as it is written, and follows no reference: a few of them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Read the next value."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "a reference", None)
        return super().compose_node(parent, index)


def split(text: str) -> tuple[dict[str, Any], str]:
    """Return the front matter, empty where there is none, and the text below it. Raises DocumentRefused."""
    found = _FENCE.match(text)
    if found is None:
        return {}, text
    if len(found[1]) > _CHARS:
        raise DocumentRefused("front_matter", f"front matter is longer than {_CHARS} characters")
    values = _parsed(found[1])
    # Without a key it is no front matter: a text may begin with a ruler.
    return (values, text[found.end() :]) if isinstance(values, dict) else ({}, text)


def _parsed(text: str) -> Any:
    try:
        return yaml.load(text, _TextLoader)  # noqa: S506 - it makes text, lists and mappings alone
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.line + 2 if error.problem_mark is not None else 1
        raise DocumentRefused("front_matter", f"front matter is no YAML on line {at}") from error
    except yaml.YAMLError as error:
        raise DocumentRefused("front_matter", "front matter is no YAML") from error
    except RecursionError as error:
        raise DocumentRefused("front_matter", "front matter is nested too deeply") from error


def title_of(values: Mapping[str, Any]) -> str:
    """Return the title, empty where it has none."""
    return next((line(values[name]) for name in ("subject", "title") if isinstance(values.get(name), str)), "")


def language_of(values: Mapping[str, Any]) -> str:
    """Return a language code without its region, empty where none is named."""
    named = (values.get(name) for name in ("language", "lang", "locale"))
    return language_code(next((value for value in named if isinstance(value, str)), ""))


def language_code(text: str) -> str:
    """Return `en` for `en-US`, nothing for what is no code."""
    found = _LANGUAGE.fullmatch(text.strip())
    return found[1].lower() if found else ""


def aliases_of(values: Mapping[str, Any], language: str) -> dict[str, tuple[str, ...]]:
    """Return other names by language; a plain list is in the document's own, English where that is not said."""
    aliases = values.get("aliases")
    by_language = aliases if isinstance(aliases, dict) else {language or "en": aliases}
    read = {language_code(str(code)): texts_of(names) for code, names in by_language.items()}
    return {code: names for code, names in read.items() if code and names}


def metadata_of(values: Mapping[str, Any]) -> Metadata:
    """Return the facts worth keeping, under the names they have in our own articles where they have one."""
    kept: dict[str, str | tuple[str, ...]] = {}
    for given, value in list(values.items())[:_NAMES]:
        key = line(str(given), 60)
        name = _RENAMED.get(key.lower(), key)
        if name.lower() in _TOLD_ELSEWHERE or _LEFT_OUT.fullmatch(name.lower()) or name in kept:
            continue
        fact = texts_of(value) if isinstance(value, list) or name in _LISTS else line(str(value))
        if name and not isinstance(value, dict) and (fact or isinstance(value, list)):
            kept[name] = fact
    return kept


_LISTS = {"apps", "platform", "versions", "tags"}


def texts_of(value: Any) -> tuple[str, ...]:
    """Return a list's texts, or one text as a list of it."""
    values = value if isinstance(value, list | tuple) else [value]
    texts = (line(entry) for entry in values[:_VALUES] if isinstance(entry, str))
    return tuple(dict.fromkeys(text for text in texts if text))
