"""Finding conversations in an SQLite file by the words said in them.

Each word is looked up by itself, among the newest turns of its owner in which it occurs, `_WINDOW` at most. So the time
a search takes does not grow with the number of conversations, however common its words are; and words said in different
messages meet, because what is found is counted by conversation.
"""

import math
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest

from app.adapters.stores.excerpts import Word, excerpt, fold, words_of
from app.adapters.stores.sqlite_base import SqliteBase
from app.adapters.stores.sqlite_rows import BITS, OVERVIEW, overview_of, places
from app.domain.conversations import Found

_WINDOW = 500
_READ = 50
"""In how many conversations words are looked for that are too common to be listed."""
_TURNS = 20
_OFTEN = 100
_TOGETHER = 0.5

_MATCH = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?"
_CONTENTS = "SELECT place, content FROM turns WHERE place BETWEEN ? AND ? ORDER BY place DESC LIMIT ?"
_SHOWN = f"{OVERVIEW} WHERE no = ? AND user_id = ?"
_CONTENT = "SELECT content FROM turns WHERE place = ?"


class SqliteSearch(SqliteBase):
    """A ConversationSearch."""

    async def find(self, owner: str, query: str, limit: int) -> tuple[Found, ...]:
        """Return the owner's conversations in which the words occur, best first; raises StoreFailed."""
        words = words_of(query)
        if not words or limit <= 0:
            return ()
        return await self._worker.search(lambda connection: _find(connection, owner, words, limit))


class _Hits:
    """In which turns each word occurs: places to bits, one bit for each word."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.all = (1 << len(words)) - 1
        self._bits: dict[int, int] = {}

    def add(self, places: Iterable[int], bits: int) -> None:
        for place in places:
            self._bits[place] = self._bits.get(place, 0) | bits

    def enough(self, limit: int) -> bool:
        """Tell whether all words were found in so many conversations that there is no need to look for more."""
        said: dict[int, int] = {}
        for place, bits in self._bits.items():
            said[place >> BITS] = said.get(place >> BITS, 0) | bits
        return sum(bits == self.all for bits in said.values()) >= limit

    def conversations(self) -> dict[int, "_Candidate"]:
        """Return what was found, by the conversation's number."""
        found: dict[int, _Candidate] = {}
        for place, bits in self._bits.items():
            no = place >> BITS
            if no not in found:
                found[no] = _Candidate([0] * len(self.words))
            found[no].add(place, bits)
        return found


@dataclass(slots=True)
class _Candidate:
    """A conversation: in how many turns each word occurs, and the turn that holds most words, newest first."""

    counts: list[int]
    best: tuple[int, int] = (0, 0)

    def add(self, place: int, bits: int) -> None:
        self.best = max(self.best, (bits.bit_count(), place))
        while bits:
            self.counts[(bits & -bits).bit_length() - 1] += 1
            bits &= bits - 1


def _find(connection: sqlite3.Connection, owner: str, words: Sequence[Word], limit: int) -> tuple[Found, ...]:
    words = _decided(connection, owner, words)
    hits = _Hits(words)
    totals = [_look_up(connection, owner, [word], hits, 1 << at) for at, word in enumerate(words)]
    weights = _weights(totals)
    common = [at for at, total in enumerate(totals) if total == _WINDOW]
    if common and len(words) > 1 and not hits.enough(limit):
        # Those that say everything at once count however old they are.
        _look_up(connection, owner, words, hits, hits.all)
        if not hits.enough(limit):
            _complete(connection, hits, common, weights)
    ranked = _ranked(hits.conversations(), weights)[:limit]
    found = (_found(connection, owner, no, place, score / ranked[0][0], words) for score, place, no in ranked)
    return tuple(one for one in found if one is not None)


def _decided(connection: sqlite3.Connection, owner: str, words: Sequence[Word]) -> Sequence[Word]:
    """Return the words, the last one whole where it is a word often said: all that begin like it take long to list."""
    whole = Word(words[-1].text)
    said = connection.execute(_MATCH, (_expression(owner, [whole]), _OFTEN)).fetchall()
    return [*words[:-1], whole] if len(said) == _OFTEN else words


def _look_up(connection: sqlite3.Connection, owner: str, words: Sequence[Word], hits: _Hits, bits: int) -> int:
    """Add the turns in which all these words occur; return how many there were."""
    rows = connection.execute(_MATCH, (_expression(owner, words), _WINDOW)).fetchall()
    hits.add((place for (place,) in rows), bits)
    return len(rows)


def _expression(owner: str, words: Sequence[Word]) -> str:
    """Return the words as FTS5 reads them: each a string, in which nothing is an operator, and the owner one, too."""
    quoted = ('"' + word.text.replace('"', '""') + '"' + "*" * word.begins for word in words)
    return f'owner : "u{owner.encode().hex()}" AND content : ({" AND ".join(quoted)})'


def _weights(totals: Sequence[int]) -> list[float]:
    """Return how much each word says: rare ones more; together they are 1."""
    raw = [1 / math.log2(4 + total) for total in totals]
    return [weight / sum(raw) for weight in raw]


def _complete(connection: sqlite3.Connection, hits: _Hits, common: Sequence[int], weights: Sequence[float]) -> None:
    """Look for words too common to be listed in the conversations that other words found, the best of those first.

    In their text: to ask the index for one word in one conversation takes longer.
    """
    found = hits.conversations()
    lacking = [no for no, one in found.items() if not all(one.counts[at] for at in common)]
    promising = nlargest(_READ, lacking, key=lambda no: (_often(found[no], weights), no))
    patterns = [(1 << at, hits.words[at].pattern) for at in common]
    for no in promising:
        for place, content in connection.execute(_CONTENTS, (*places(no), _TURNS)):
            text = fold(content)
            for bit, pattern in patterns:
                if pattern.search(text):
                    hits.add((place,), bit)


def _often(candidate: _Candidate, weights: Sequence[float]) -> float:
    """Return how much of the words was said, in [0..1): more for rare ones, and for words said often."""
    return sum(weight * (1 - 0.5**count) for weight, count in zip(weights, candidate.counts, strict=True))


def _ranked(candidates: dict[int, _Candidate], weights: Sequence[float]) -> list[tuple[float, int, int]]:
    """Return score, best turn and number of each conversation, best first; of equals the newest."""
    scored = ((_score(one, weights), one.best[1], no) for no, one in candidates.items())
    return sorted(scored, reverse=True)


def _score(candidate: _Candidate, weights: Sequence[float]) -> float:
    """Return a score below 1 where a word is missing, above it where all are there; said together they are more."""
    if not all(candidate.counts):
        return _often(candidate, weights)
    return 1 + _often(candidate, weights) + _TOGETHER * (candidate.best[0] == len(weights))


def _found(
    connection: sqlite3.Connection, owner: str, no: int, place: int, score: float, words: Sequence[Word]
) -> Found | None:
    row = connection.execute(_SHOWN, (no, owner)).fetchone()
    if row is None:
        # Of an owner whose name begins with the same many thousand characters: FTS5 does not tell these apart.
        return None
    (content,) = connection.execute(_CONTENT, (place,)).fetchone()
    return Found(overview_of(row), score, *excerpt(content, words))
