"""Hard facts: the parts of a sentence that are either right or wrong.

URLs, paths, commands and their options, menus, keys, numbers, error codes and product names. A generated sentence may
rephrase what a passage says; its hard facts must stand in the passage as they are.
"""

import re
from collections.abc import Iterator

_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(r"[*`]|(?<![\w%])_|_(?![\w%])")
_MARKS = re.compile(r"[*`]")
_CLAUSE = re.compile(r"[,;:!?()]|\.(?=\s|$)")
_CODE = re.compile(r"`([^`\n]+)`")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_QUOTED = re.compile(r"[\"“«]([^\"”»\n]{2,80})[\"”»]")
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:https?|ftp|ssh|edge|chrome|about|ms-[a-z-]+)://[^\s<>\")\]]+",
        r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|ms|edu|gov|de|fr|es|eu|uk)\b(?:/[^\s<>\")\]]*)?",
        r"(?<![\w.-])[\w-]+(?:\.[\w-]+)*\.(?!\d)[A-Za-z]\w{1,9}\b",
        r"(?<!\w)[A-Za-z]:\\[^\s,;]*",
        r"%\w+%(?:\\[^\s,;]*)?",
        r"\\\\[\w.$-]+(?:\\[^\s,;]*)?",
        r"(?<![\w/<])[~.]{0,2}/[\w.~-]+(?:/[\w.*~-]+)*/?",
        r"(?<![\w-])--?[A-Za-z][\w-]*",
        r"\b(?:[A-Z]:|HKEY_\w+|HKLM|HKCU)\\\S+",
        r"\b(?:Ctrl|Alt|Shift|Win|Windows|Cmd|Command|Option|Fn|Strg)\s?(?:\+\s?[\w]+)+",
        r"\bF(?:[1-9]|1[0-2])\b",
        r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b",
        r"(?<![\w.])v?\d\w*(?:[.,:]\d\w*)*",
        r"(?<![\w.,])\d[\d.,]* ?(?:(?:second|minute|hour|day|week|month|year|time|character|digit)s?\b|[kKMGT]B\b|%)",
    )
)
_SMALL = frozenset({"&", "and", "or", "of", "the", "for", "in", "to", "a", "an", "with", "on", "from"})
_NAME = re.compile(r"\b(?:[A-Z][a-z]*[A-Z]\w*|[A-Z]{2,}[A-Za-z0-9]*|[A-Z][\w-]+)\b")


def unmarked(text: str) -> str:
    """Return a text without emphasis and code marks."""
    return _MARKUP.sub("", text)


def plain(text: str) -> str:
    """Return a text for comparison: no emphasis or code marks, one kind of space, quote and dash, lower case."""
    text = unmarked(text).replace("’", "'").replace("“", '"').replace("”", '"').replace("–", "-")
    return _SPACE.sub(" ", text).strip().casefold()


def hard_facts(sentence: str) -> list[str]:
    """Return the hard facts of a sentence, each once, as they are written."""
    return list(dict.fromkeys(fact.strip().rstrip(".,;:!?") for fact in _all(sentence) if fact.strip(" .,;:!?*`")))


def stands_in(fact: str, text: str) -> bool:
    """Tell whether a fact stands in a text as a whole: `80` does not in `802.1X`, nor `5.7.1` in `5.7.13`."""
    wanted = re.escape(plain(fact))
    before = r"(?<![\w])" if re.match(r"\w", plain(fact)) else ""
    before += r"(?<!\d[.,:])" if re.match(r"\d", plain(fact)) else ""
    after = r"(?![\w]|[.,:]\d)" if re.search(r"\w$", plain(fact)) else ""
    after += r"(?![\\/]\w)" if re.search(r"[\\/]", fact) else ""  # a path cut short is another path
    return re.search(before + wanted + after, plain(text)) is not None


def _all(sentence: str) -> Iterator[str]:
    for marked in (_CODE, _BOLD, _QUOTED):
        yield from (match[1] for match in marked.finditer(sentence))
    bare = _CODE.sub(" ", sentence)
    for pattern in _PATTERNS:
        yield from (match[0] for match in pattern.finditer(bare))
    yield from _menus(_MARKS.sub("", sentence))
    yield from _names(bare.replace("*", ""))


def _menus(sentence: str) -> Iterator[str]:
    """Yield the menu paths of a sentence, `A > B > C`, each from its first entry to the beginning of its last."""
    for clause in _CLAUSE.split(sentence):
        first, *rest = (part.strip() for part in clause.split(" > "))
        if rest:
            yield " > ".join([_entry_at_end(first), *rest[:-1], _entry_at_start(rest[-1])])


def _entry_at_end(text: str) -> str:
    """Return the menu entry a path begins with: the words before it belong to the sentence."""
    names = [match.start() for match in _NAME.finditer(text)]
    return text[names[-1] :] if names else text.rsplit(" ", 1)[-1]


def _entry_at_start(text: str) -> str:
    """Return the menu entry a path ends with: it goes on while its words have capitals, or join such words."""
    words = text.split()
    end = next((at for at, word in enumerate(words) if at and word[:1].islower() and word not in _SMALL), len(words))
    while end > 1 and words[end - 1] in _SMALL:
        end -= 1
    return " ".join(words[:end])


def _names(sentence: str) -> Iterator[str]:
    """Yield words that are names: written with a capital, and not only because they begin the sentence."""
    first_word = re.match(r"\W*(?:\d+[.)]\s*)?\W*([\w-]+)", sentence)
    start = first_word.start(1) if first_word else -1
    for match in _NAME.finditer(sentence):
        word = match[0]
        inner_capital = any(char.isupper() for char in word[1:])
        if match.start() == start and not inner_capital:
            continue
        if len(word) > 1:
            yield word
