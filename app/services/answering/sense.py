"""What makes a sentence say something else in nearly the same words: another deed, its opposite, a denial.

A language model that writes `uninstall` for `quit`, `off` for `on`, or moves a `not` to the other half of a sentence
stays near in meaning to what it read. None of that may pass for a paraphrase.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

Analyse = Callable[[str], Sequence[str]]
"""Index terms of a text: lower case, stop words removed, stemmed."""

_WORD: Final = re.compile(r"[^\W_]+")
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_NOT: Final = re.compile(
    r"\b(?:not|never|no|none|nor|nothing|\w+n['’]t|cannot|without|avoid\w*|except|nicht|nie|niemals|kein\w*|ohne)\b",
    re.IGNORECASE,
)
_DEEDS: Final = (
    "add allow approve attach block buy call cancel close confirm connect copy create deactivate decline"
    " decrease delete deny disable disconnect download edit email enable encrypt erase factory flash forget"
    " format forward hold ignore increase install kill lock log move mute order overwrite pair paste pay plug"
    " post publish purge quit reboot reconnect reformat reinstall remove rename reopen repair repeat replace"
    " reset restart restore retry roll save send share shut sign skip stop swap switch tick toggle turn unblock"
    " uncheck uninstall unlock unmute unpair unplug untick update upgrade upload wipe"
)
"""Things people do to a device, a file or an account: an answer may tell to do only what its source tells."""
_MEASURES: Final = "earlier faster fewer later less longer more quicker shorter slower"
_PAIRS: Final = re.findall(
    r"(\w+)/(\w+)",
    "on/off in/out up/down left/right before/after first/last always/never all/none more/less faster/slower"
    " longer/shorter higher/lower larger/smaller enable/disable allow/block lock/unlock install/uninstall"
    " connect/disconnect plug/unplug mute/unmute tick/clear show/hide add/remove open/close start/stop"
    " increase/decrease",
)
"""Opposites."""
_NUMBERS: Final = dict(
    re.findall(
        r"(\w+)=(\d+)",
        "two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 ten=10 eleven=11 twelve=12 fifteen=15 twenty=20"
        " thirty=30 sixty=60 hundred=100 thousand=1000",
    )
)


class Sense:
    """Compares what sentences say. `knows` tells a common word from the name of a command, a program or a place."""

    def __init__(self, analyse: Analyse, knows: Callable[[str], bool]) -> None:
        self._analyse = analyse
        self._knows = knows
        self._heavy = self._terms(f"{_DEEDS} {_MEASURES}")
        self._pairs = [(self._forms(one), self._forms(other)) for one, other in _PAIRS]

    def brought_in(self, text: str, source: str, nearest: str) -> list[str]:
        """Return the words of a sentence that no paraphrase may bring in.

        These are deeds and measures that its nearest sentence does not tell, and numbers written as words and names
        that its source does not hold.
        """
        held, terms, told = set(_words(source)), self._terms(source), self._terms(nearest)
        return [
            word
            for word in dict.fromkeys(_words(text))
            if (own := self._terms(word))
            and (not own & told if own & self._heavy else not own & terms and self._is_fact(word, held))
        ]

    def _is_fact(self, word: str, held: set[str]) -> bool:
        if word in _NUMBERS:
            return _NUMBERS[word] not in held
        return not word.isdigit() and not self._knows(word)

    def turned(self, text: str, nearest: str) -> bool:
        """Tell whether a sentence says the opposite of another one that is near to it, or swaps its numbers."""
        return self._denied(text, nearest) or self._opposed(text, nearest) or _swapped(text, nearest)

    def _denied(self, text: str, nearest: str) -> bool:
        said, known = self._negated(text), self._negated(nearest)
        if bool(said) != bool(known) or any(_apart(one, known) for one in said):
            return True
        terms = self._terms(text)
        return any(other & terms for other in known if _apart(other, said))

    def _negated(self, text: str) -> list[set[str]]:
        """Return, for every denial of a text, the terms of the word it is about: the first one that says something."""
        found = []
        for match in _NOT.finditer(text):
            following = map(self._terms, _words(text[match.end() :]))
            found.append(next(filter(None, following), set[str]()))
        return found

    def _opposed(self, text: str, nearest: str) -> bool:
        said, known = self._forms(text), self._forms(nearest)
        both = (*self._pairs, *((other, one) for one, other in self._pairs))
        return any(said & one and not said & other and known & other and not known & one for one, other in both)

    def _forms(self, text: str) -> set[str]:
        return {*_words(text), *self._analyse(text)}

    def _terms(self, text: str) -> set[str]:
        return set(self._analyse(text))


def _words(text: str) -> list[str]:
    return [match[0].casefold() for match in _WORD.finditer(text)]


def _apart(one: set[str], others: Sequence[set[str]]) -> bool:
    """Tell whether a word is none of the others; two denials of nothing in particular are the same."""
    return not any(one & other or one == other for other in others)


def _swapped(text: str, nearest: str) -> bool:
    """Tell whether the numbers two sentences share come in another order."""
    said, known = _NUMBER.findall(text), _NUMBER.findall(nearest)
    shared = [number for number in dict.fromkeys(said) if number in known]
    return shared != sorted(shared, key=known.index)
