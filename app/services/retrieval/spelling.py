"""Mistyped words: put right before a question is embedded, where the knowledge base has the word that was meant.

A word is left alone when the embedding model knows it as a whole, or when the knowledge base holds it: `slack` is no
mistyped `black`.
"""

import re
from collections.abc import Callable
from typing import Final

from app.ports import LexicalIndex
from app.services.retrieval.names import begins_sentence

_WORD: Final = re.compile(r"(?<![\w.:/\\@])[^\W\d_]{4,}(?!\w|[.:/\\@]\w)")


def corrected(text: str, lexical: LexicalIndex, knows: Callable[[str], bool]) -> str:
    """Return the text with its mistyped words replaced."""

    def replace(match: re.Match[str]) -> str:
        word = match[0].lower()
        if _is_name(text, match) or knows(word):
            return match[0]
        return lexical.nearest(word) or match[0]

    return _WORD.sub(replace, text)


def _is_name(text: str, match: re.Match[str]) -> bool:
    """Tell whether a word is written like a name: `Miro` is no mistyped `micro`."""
    mixed = match[0] not in {match[0].lower(), match[0].upper()}
    return mixed and not begins_sentence(text, match.start())
