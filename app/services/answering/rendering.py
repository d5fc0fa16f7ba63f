"""Puts carried sentences together: text with citation marks, and the list of sources the marks stand for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.domain.answers import Citation, Draft, Sentence
from app.domain.knowledge import Document, Passage
from app.services.answering.disarming import disarmed


@dataclass(frozen=True, slots=True)
class Carried:
    """A sentence and the passage that carries it; `line` sentences stand on a line of their own."""

    text: str
    passage: Passage
    document: Document
    line: bool = False


def number(carried: Iterable[Carried]) -> tuple[Sentence, ...]:
    """Give every passage a number in the order in which it is first used."""
    numbers: dict[str, int] = {}
    return tuple(
        Sentence(disarmed(item.text), item.passage.id, numbers.setdefault(item.passage.id, len(numbers) + 1))
        for item in carried
    )


def render(carried: Sequence[Carried]) -> list[str]:
    """Return the pieces of the answer; joined they are its text. Each piece is one sentence with its mark."""
    pieces: list[str] = []
    for at, (item, sentence) in enumerate(zip(carried, number(carried), strict=True)):
        joint = "" if not at else "\n" if item.line or carried[at - 1].line else " "
        pieces.append(f"{joint}{sentence.text} [{sentence.number}]")
    return pieces


def cite(carried: Sequence[Carried]) -> tuple[Citation, ...]:
    """Return the sources in the order of their numbers; the quote is the first sentence taken from each."""
    found: dict[int, Citation] = {}
    for item, sentence in zip(carried, number(carried), strict=True):
        found.setdefault(
            sentence.number,
            Citation(sentence.number, item.document.id, item.passage.id, disarmed(item.document.title), sentence.text),
        )
    return tuple(found.values())


def split_pieces(draft: Draft) -> list[str]:
    """Return a draft's text in pieces that end where a sentence with its mark does; joined they are the text."""
    pieces: list[str] = []
    start = 0
    for sentence in draft.sentences:
        marked = f"{sentence.text} [{sentence.number}]"
        end = draft.text.index(marked, start) + len(marked)
        pieces.append(draft.text[start:end])
        start = end
    rest = draft.text[start:]
    return [*pieces, rest] if rest else pieces
