"""Cuts a text into chunks of so many tokens, at the ends of lines and, where it can be, not inside of a record."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app.domain.files import Piece

CountTokens = Callable[[str], int]
Row = tuple[int, str]
"""A line's number, from 1, and its text, or a part of it where it is long."""

ROW_CHARS = 2000
"""Longer lines are cut: what follows is linear in their length, and a tokenizer need not be."""

_GOES_ON = re.compile(r"\s|Caused by\b|\.\.\. \d+ more\b|[)\]}]")
_LATEST = 0.75


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive rows, numbered from 1; `share` (0..1] of the file is read with it."""

    number: int
    rows: tuple[Row, ...]
    tokens: int
    share: float


def chunks(pieces: Iterable[Piece], count: CountTokens, most: int) -> Iterator[Chunk]:
    """Yield the chunks of a text, at most `most` tokens each."""
    held: list[tuple[Row, int]] = []
    number, total, share = 0, 0, 0.0
    for row, share in rows(pieces):
        for part in _fitting(row, count, most):
            if total + part[1] > most:
                number += 1
                chunk, held = _cut(held, part[0])
                yield _chunk(number, chunk, share)
                total = sum(tokens for _, tokens in held)
                if total + part[1] > most:
                    number += 1
                    yield _chunk(number, held, share)
                    held, total = [], 0
            held.append(part)
            total += part[1]
    if held:
        yield _chunk(number + 1, held, 1.0)


def rows(pieces: Iterable[Piece]) -> Iterator[tuple[Row, float]]:
    """Yield every line, cut where it is long, with how much of the text is read with its piece.

    Of blank lines in a row only the first is told: a file may hold nothing else.
    """
    number, held, share, blank = 1, "", 0.0, False
    for piece in pieces:
        share = piece.share
        *whole, held = (held + piece.text).split("\n")
        for line in whole:
            if (text := line.rstrip("\r")) or not blank:
                blank = not text
                for part in _parts(text):
                    yield (number, part), share
            number += 1
        # A line without an end is not held for the whole of it.
        *long, held = _parts(held)
        for part in long:
            yield (number, part), share
    if held:
        yield (number, held.rstrip("\r")), share


def _parts(line: str) -> list[str]:
    if len(line) <= ROW_CHARS:
        return [line]
    return [line[at : at + ROW_CHARS] for at in range(0, len(line), ROW_CHARS)]


def _fitting(row: Row, count: CountTokens, most: int) -> Iterator[tuple[Row, int]]:
    number, text = row
    tokens = count(text) + 1
    if tokens <= most or len(text) < 2:  # noqa: PLR2004 - what cannot be halved
        yield row, min(tokens, most)
        return
    middle = len(text) // 2
    yield from _fitting((number, text[:middle]), count, most)
    yield from _fitting((number, text[middle:]), count, most)


def _cut(held: list[tuple[Row, int]], following: Row) -> tuple[list[tuple[Row, int]], list[tuple[Row, int]]]:
    """Return what is a chunk now, and what begins the next one: a record that goes on there, if it began lately."""
    if _GOES_ON.match(following[1]):
        for at in range(len(held) - 1, int(len(held) * _LATEST), -1):
            if not _GOES_ON.match(held[at][0][1]):
                return held[:at], held[at:]
    return held, []


def _chunk(number: int, held: list[tuple[Row, int]], share: float) -> Chunk:
    return Chunk(number, tuple(row for row, _ in held), sum(tokens for _, tokens in held), share)
