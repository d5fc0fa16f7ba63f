"""What is told of an answer while it is made: every sentence with its mark, a source when it is first cited.

The same events in the same order come from an answer that is being written, one just composed, and one kept before.
"""

from collections.abc import Iterator
from itertools import zip_longest

from app.domain.answers import Draft
from app.domain.events import SourceCited, TextSaid
from app.services.answering.rendering import Carried, cite, render, split_pieces


class Teller:
    """Tells carried sentences one after the other."""

    def __init__(self) -> None:
        self._told: list[Carried] = []

    def tell(self, sentence: Carried) -> Iterator[TextSaid | SourceCited]:
        """Return what is told of the next sentence."""
        known = len(cite(self._told))
        self._told.append(sentence)
        yield TextSaid(render(self._told)[-1])
        yield from map(SourceCited, cite(self._told)[known:])


def told(draft: Draft) -> Iterator[TextSaid | SourceCited]:
    """Return what is told of a whole draft."""
    uncited = {citation.number: citation for citation in draft.citations}
    for piece, sentence in zip_longest(split_pieces(draft), draft.sentences):
        yield TextSaid(piece)
        if sentence is not None and sentence.number in uncited:
            yield SourceCited(uncited.pop(sentence.number))
