r"""Words as patterns for a server: whole, whatever their case and the marks on their letters.

The classes are spelled out, because what \b and \w are depends on who reads them; nothing in a word is an operator.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

from app.adapters.stores.excerpts import Word, excerpt, fold

# Servers bound a pattern, some to 1,000 characters: so much of a word, with all that its letters may be, stays below.
_LONGEST = 40
_LETTERS = "0-9A-Za-z\u00c0-\u024f"
_BEGIN, _END, _BETWEEN = f"(?<![{_LETTERS}])", f"(?![{_LETTERS}])", f"[^{_LETTERS}]+"


def _with_marks() -> dict[str, str]:
    """Return letters of the Latin alphabet to what they may be with marks."""
    forms: dict[str, str] = defaultdict(str)
    for one in map(chr, range(0xC0, 0x250)):
        if one.islower() and fold(one) != one and len(fold(one)) == 1:
            forms[fold(one)] += one
    return dict(forms)


_FORMS = _with_marks()


def pattern(word: Word) -> str:
    """Return the pattern that finds a word, read without regard to case."""
    folded = " ".join(word.tokens)
    joined = "".join(_BETWEEN if one == " " else _letter(one) for one in folded[:_LONGEST].rstrip())
    return f"{_BEGIN}{joined}" + ("" if word.begins or len(folded) > _LONGEST else _END)


def _letter(one: str) -> str:
    return f"[{one}{_FORMS[one]}]" if one in _FORMS else re.escape(one)


def snippet(words: Sequence[Word], messages: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return a piece of the message that shows most of the words, the first of several, and where they stand in it."""
    patterns = [word.pattern for word in words]
    best = max(messages, key=lambda text: sum(bool(one.search(fold(text))) for one in patterns), default="")
    return excerpt(best, words)
