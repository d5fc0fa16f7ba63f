"""Near-duplicates among hits: of documents that say the same, the best one stays and names the others.

Two documents say the same where at least nine tenths of their runs of five words are shared and their hard facts are
equal: numbers, codes, versions, platforms, applications, sites, and whether something is denied. Articles for two
versions may share nearly every word, and are two articles.
"""

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.domain.knowledge import Document
from app.domain.retrieval import Hit

SAME: Final = 0.9
"""The least share of the runs of words that two documents have in common (Jaccard)."""

_RUN: Final = 5
_KEPT: Final = 4096
_LENGTHS: Final = 0.8
"""Texts whose lengths differ by more are not looked into."""

_WORD: Final = re.compile(r"\w+")
_FACT: Final = re.compile(
    r"\w*[\d_]\w*|no|not|never|nicht|kein\w*|nie|pas|jamais|nunca|new|classic|legacy|server|windows|mac\w*|ios|ipados"
    r"|iphone|ipad|android|linux|ubuntu|fedora|debian|rhel|chromeos|catalina|monterey|ventura|sonoma|sequoia|tahoe"
)
_SCOPES: Final = ("platform", "platforms", "version", "versions", "app", "apps", "site")


@dataclass(frozen=True, slots=True)
class _Print:
    """What two documents are compared by: their facts, and their runs of words as sorted hashes."""

    facts: frozenset[str]
    runs: NDArray[np.int64]

    def says_the_same(self, other: "_Print") -> bool:
        if self.facts != other.facts or min(len(self.runs), len(other.runs)) < SAME * max(
            len(self.runs), len(other.runs)
        ):
            return False
        shared = len(np.intersect1d(self.runs, other.runs, assume_unique=True))
        return shared >= SAME * (len(self.runs) + len(other.runs) - shared)


class Duplicates:
    """Leaves out near-duplicates among the hits of one release; it and what it remembers of documents end with it."""

    def __init__(self) -> None:
        self._lengths: dict[str, int] = {}
        self._prints: OrderedDict[str, _Print] = OrderedDict()

    def left_out(self, hits: Sequence[Hit], wanted: int) -> list[Hit]:
        """Return the first `wanted` hits that say different things, best first."""
        kept: list[Hit] = []
        for hit in hits:
            first = next((at for at, other in enumerate(kept) if self._same(other.document, hit.document)), None)
            if first is not None:
                kept[first] = replace(kept[first], duplicates=(*kept[first].duplicates, hit.document.id))
            elif len(kept) < wanted:
                kept.append(hit)
        return kept

    def _same(self, one: Document, other: Document) -> bool:
        short, long = sorted((self._length(one), self._length(other)))
        scopes_differ = any(one.metadata.get(name) != other.metadata.get(name) for name in _SCOPES)
        if short < _LENGTHS * long or scopes_differ or one.language != other.language:
            return False
        return self._print(one).says_the_same(self._print(other))

    def _length(self, document: Document) -> int:
        length = self._lengths.get(document.id)
        if length is None:
            length = self._lengths[document.id] = sum(len(section.text) for section in document.sections)
        return length

    def _print(self, document: Document) -> _Print:
        if document.id in self._prints:
            self._prints.move_to_end(document.id)
            return self._prints[document.id]
        made = self._prints[document.id] = _print_of(document)
        if len(self._prints) > _KEPT:
            self._prints.popitem(last=False)
        return made


def _print_of(document: Document) -> _Print:
    text = "\n".join([document.title, *(section.text for section in document.sections)])
    words = _WORD.findall(text.casefold())
    runs = {hash(tuple(words[at : at + _RUN])) for at in range(max(1, len(words) - _RUN + 1))}
    return _Print(
        frozenset(word for word in words if _FACT.fullmatch(word)), np.sort(np.fromiter(runs, np.int64, len(runs)))
    )
