"""The words of a search, and the piece of a message that shows where they stand."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MOST_WORDS = 16
"""How many different words of a query count: the first ones."""

SNIPPET = 200
"""The longest snippet, in characters."""

_LONGEST = 200
_BEFORE = 60
_MOST_MARKS = 200
_PREFIX = 3
_TOKEN = re.compile(r"[^\W_]+")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]+")
_LINE = re.compile(r"[\s\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was typed, signs and all. The last one may be the beginning of the word that was meant."""

    text: str
    begins: bool = False

    @property
    def tokens(self) -> tuple[str, ...]:
        """The runs of letters and digits in it, folded."""
        return tuple(fold(found) for found in _TOKEN.findall(self.text))

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds the word in a folded text."""
        joined = r"[\W_]+".join(re.escape(token) for token in self.tokens)
        return re.compile(rf"(?<![^\W_]){joined}" + ("" if self.begins else r"(?![^\W_])"))


def words_of(query: str) -> tuple[Word, ...]:
    """Return the different words of a query, at most MOST_WORDS; what holds neither letter nor digit is none."""
    texts = (text[:_LONGEST] for text in _BLANK.split(query) if _TOKEN.search(text[:_LONGEST]))
    once: dict[str, str] = {}
    for text in texts:
        if len(once) == MOST_WORDS:
            break
        once.setdefault(fold(text), text)
    words = [Word(text) for text in once.values()]
    if words and query[-1:].isalnum() and _begins(words[-1].tokens[-1]):
        words[-1] = Word(words[-1].text, begins=True)
    return tuple(words)


def _begins(token: str) -> bool:
    """Tell whether so few words begin like this that it is worth looking for them."""
    # Chinese and Japanese are written without blanks: of a sentence FTS5 makes one word.
    return len(token) >= _PREFIX or max(token) >= "\u2e80"


def fold(text: str) -> str:
    """Return a text without case and without the marks on its letters: two that fold alike are the same word."""
    if text.isascii():
        return text.lower()
    return "".join(one for one in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(one))


def excerpt(text: str, words: Sequence[Word]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return a piece of a text, at most SNIPPET characters in one line, and where the words stand in it."""
    marks = _marks(text, words)
    start, end = _span(text, _best(marks))
    head, tail = "…" if start else "", "…" if end < len(text) else ""
    shift = len(head) - start
    inside = tuple((one + shift, two + shift) for one, two, _ in marks if start <= one and two <= end)
    return head + _LINE.sub(" ", text[start:end]) + tail, inside


def _marks(text: str, words: Sequence[Word]) -> list[tuple[int, int, str]]:
    """Return where words stand, and which."""
    whole = {token for word in words for token in word.tokens}
    beginnings = tuple(word.tokens[-1] for word in words if word.begins)
    marks = []
    for found in _TOKEN.finditer(text):
        token = fold(found.group())
        if token in whole or token.startswith(beginnings):
            marks.append((*found.span(), token))
            if len(marks) == _MOST_MARKS:
                break
    return marks


def _best(marks: Sequence[tuple[int, int, str]]) -> int:
    """Return where the snippet's first word stands, so that most different words fit in behind it."""
    room = SNIPPET - 2 - _BEFORE
    spread = [(len({word for s, e, word in marks if start <= s and e <= start + room}), -start) for start, *_ in marks]
    return -max(spread)[1] if spread else 0


def _span(text: str, first: int) -> tuple[int, int]:
    """Return a piece that begins a few words before `first`, between words where it can."""
    start = max(0, min(first - _BEFORE, len(text) - SNIPPET + 2))
    if start and (blank := _BLANK.search(text, start, first)):
        start = blank.end()
    end = min(len(text), start + SNIPPET - 2)
    if end < len(text) and (cut := max(text.rfind(" ", first, end), text.rfind("\n", first, end))) > first:
        end = cut
    return start, end
