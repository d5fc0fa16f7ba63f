"""Words written like names: a capital within a sentence. A product nobody wrote about is no mistyped word.

German writes every noun so: who asks for names has to know the language.
"""

import re
from typing import Final

_CAPITALISED: Final = re.compile(r"\b[A-Z][A-Za-z]+\b")
_SIGNS: Final = " \t\n\r\"'“”„«»‘’()[]-–—*¿¡"
_ENDS: Final = ".!?:;…"


def names_in(text: str) -> tuple[str, ...]:
    """Return the words of a text that are written like names, as often as they stand there."""
    found = _CAPITALISED.finditer(text)
    return tuple(match[0] for match in found if not begins_sentence(text, match.start()))


def begins_sentence(text: str, at: int) -> bool:
    """Tell whether what stands at a place begins a sentence, where a capital says nothing."""
    before = text[:at].rstrip(_SIGNS)
    return not before or before[-1] in _ENDS or "\n" in text[len(before) : at]
