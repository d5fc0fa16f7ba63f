"""Text to index terms: lower case, no accents, no stop words, Snowball stems.

A row is analysed in its own language. A question's language is not known for sure, and short questions mix languages
("VPN geht nicht"), so a question's word stands for its stems in all languages.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import Stemmer
from bm25s.stopwords import STOPWORDS_EN_PLUS, STOPWORDS_FRENCH, STOPWORDS_GERMAN, STOPWORDS_SPANISH

from app.domain.text import fold

LANGUAGES = {"en": "english", "de": "german", "fr": "french", "es": "spanish"}

_WORD = re.compile(r"[^\W_]+(?:[-'’._/][^\W_]+)*")
_PART = re.compile(r"[^\W_]+")
_HEX = re.compile(r"0x0*([0-9a-f]{2,})")
_GLUED = re.compile(r"([a-z]{3,})(\d{1,4})")


_STOP = frozenset(
    fold(word) for words in (STOPWORDS_EN_PLUS, STOPWORDS_GERMAN, STOPWORDS_FRENCH, STOPWORDS_SPANISH) for word in words
)


def words(text: str) -> Iterator[str]:
    """Yield the informative words of a text.

    A compound yields itself without its joints and then its parts, so that `Wi-Fi` meets `wifi`, `win11` meets
    `Windows 11`'s number, and `ERR_CERT_DATE_INVALID`, `5.7.1` and `0x8004FC12` (with or without its `0x`) are found
    whole, `0x00000709` and `0x709` alike.
    """
    for match in _WORD.finditer(fold(text).replace("_", "-")):
        parts = _PART.findall(match[0])
        whole = "".join(parts)
        if (hexadecimal := _HEX.fullmatch(whole)) is not None:
            whole = hexadecimal[1]
        if whole not in _STOP:
            yield whole
        if (glued := _GLUED.fullmatch(whole)) is not None:
            parts = [glued[1], glued[2]]
        if len(parts) > 1:
            yield from (part for part in parts if len(part) > 1 and part not in _STOP)


@lru_cache(maxsize=65536)
def stem(word: str, language: str) -> str:
    """Return the stem of a folded word; words that hold a digit are codes and stay as they are."""
    if any(char.isdigit() for char in word):
        return word
    return str(_stemmer(LANGUAGES.get(language, "english")).stemWord(word))


@lru_cache(maxsize=8)
def _stemmer(name: str) -> "Stemmer.Stemmer":
    return Stemmer.Stemmer(name)


def row_terms(text: str, language: str) -> list[str]:
    """Return the index terms of a passage."""
    return [stem(word, language) for word in words(text)]


@lru_cache(maxsize=1024)
def query_terms(text: str, languages: tuple[str, ...] = tuple(LANGUAGES)) -> tuple[tuple[str, ...], ...]:
    """Return, for every distinct word of a question, the stems it stands for."""
    return tuple(_stems(word, languages) for word in dict.fromkeys(words(text)))


def query_pairs(text: str, languages: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return the pairs of neighbouring words of a question, as stems, in every language."""
    said = list(words(text))
    return {
        (stem(first, language), stem(second, language)) for first, second in pairwise(said) for language in languages
    }


@lru_cache(maxsize=65536)
def _stems(word: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({stem(word, language) for language in languages}))


def analyse(text: str) -> tuple[str, ...]:
    """Return the index terms of a text, as of a question."""
    return tuple(stem for stems in query_terms(text) for stem in stems)
