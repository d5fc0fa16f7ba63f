"""Word-by-word translation of questions into English.

The embedding model reads English alone, and most articles are in English. A gloss has no grammar, but the words that
matter are in it: that is enough to search by, and nothing of it is ever shown.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from app.domain.text import fold

_TOKEN: Final = re.compile(r"\w+(?:[.:/\\]\w+)*")
_LONGEST: Final = 4
_LEAST_PART: Final = 4
_JOINTS: Final = ("", "s", "n", "en", "es")


class Glossary:
    """Phrases of one language and their English."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries = {" ".join(_TOKEN.findall(fold(phrase))): english for phrase, english in entries.items()}

    def translate(self, text: str) -> str:
        """Return the text with every known phrase, the longest first, in English; other words stay as they are."""
        tokens = _TOKEN.findall(unicodedata.normalize("NFC", text))  # a loose accent would end a word
        folded = [fold(token) for token in tokens]
        said: list[str] = []
        at = 0
        while at < len(tokens):
            length = self._longest(folded, at)
            said.append(self._entries[" ".join(folded[at : at + length])] if length else self._word(tokens[at]))
            at += length or 1
        return " ".join(word for word in said if word)

    def _longest(self, folded: list[str], at: int) -> int:
        """Return how many tokens the longest known phrase takes here, 0 where none begins."""
        lengths = range(min(_LONGEST, len(folded) - at), 0, -1)
        return next((length for length in lengths if " ".join(folded[at : at + length]) in self._entries), 0)

    def _word(self, token: str) -> str:
        """Return a word no entry holds: as its two parts where it is a compound of known words (`Druckertreiber`)."""
        word = fold(token)
        for cut in range(_LEAST_PART, len(word) - _LEAST_PART + 1):
            second = self._entries.get(word[cut:])
            if second is None:
                continue
            firsts = (word[: cut - len(joint)] for joint in _JOINTS if word[:cut].endswith(joint))
            first = next(
                (self._entries[part] for part in firsts if len(part) >= _LEAST_PART and part in self._entries), None
            )
            if first is not None:
                return f"{first} {second}"
        return token
