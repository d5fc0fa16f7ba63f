"""Mistyped words: put right before a question is embedded, where the knowledge base has the word that was meant.

A word is left alone when the embedding model knows it as a whole, or when the knowledge base holds it: `slack` is no
mistyped `black`.
"""

import re
from collections.abc import Callable
from typing import Final

from app.ports import LexicalIndex

_WORD: Final = re.compile(r"[^\W\d_]{4,}")


def corrected(text: str, lexical: LexicalIndex, knows: Callable[[str], bool]) -> str:
    """Return the text with its mistyped words replaced."""

    def replace(match: re.Match[str]) -> str:
        word = match[0].lower()
        return match[0] if knows(word) else lexical.nearest(word) or match[0]

    return _WORD.sub(replace, text)
