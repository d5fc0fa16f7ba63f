"""An answer while a model writes it: every sentence judged as it ends, and told once nothing can take it back.

The first sentences are held until enough of them are carried for the answer to stand. From then on every carried
sentence is told at once and the extractive answer can no longer take the answer's place; what is not carried is left
out, which makes the answer partial.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.knowledge import Document, Passage
from app.services.answering.facts import plain
from app.services.answering.grounding import Sources
from app.services.answering.rendering import Carried
from app.services.answering.sentences import is_whole, sentences, without_mark


@dataclass(frozen=True, slots=True)
class WritingRules:
    """When a written answer stands, and when its model is stopped.

    It stands once `least` sentences are carried, and `min_kept` (a share) of those written so far. The model is stopped
    when it says `repeats` sentences a second time, and when `strays` are not carried before the answer stands.
    """

    least: int
    min_kept: float
    repeats: int
    strays: int


class Writing:
    """One answer that is being written over its sources; `main` are the sentences of the extractive answer."""

    def __init__(self, sources: Sources, main: Sequence[Carried], rules: WritingRules) -> None:
        self._sources = sources
        self._rules = rules
        self._wanted = {_said(part) for item in main for part in sentences(item.text)}
        self._seen: set[str] = set()
        self._repeated = 0
        self._released = 0
        self.kept: list[Carried] = []
        self.dropped = 0
        self.stands = False

    @property
    def over(self) -> bool:
        """Tell whether the model need not go on: all is said, it goes round in circles, or nothing will come of it."""
        complete = bool(self._wanted) and self._wanted <= self._seen
        lost = not self.stands and self.dropped >= self._rules.strays
        return complete or lost or self._repeated >= self._rules.repeats

    async def take(self, found: Sequence[str]) -> list[Carried]:
        """Take sentences the model has ended, and return those that may be told now.

        What comes after the answer is over counts for nothing, whether it came with the same piece or not.
        """
        whole = [sentence for sentence in found if is_whole(sentence) and _said(sentence) not in self._seen]
        sources = dict(zip(whole, await self._sources.carrying(whole), strict=True))
        for sentence in found:
            if not self.over:
                self._add(sentence, sources.get(sentence))
        if not self.stands:
            return []
        released, self._released = self.kept[self._released :], len(self.kept)
        return released

    def _add(self, sentence: str, source: tuple[Document, Passage] | None) -> None:
        said = _said(sentence)
        if said in self._seen:
            self._repeated += 1
            return
        self._seen.add(said)
        if source is None:
            self.dropped += 1
            return
        document, passage = source
        self.kept.append(Carried(sentence, passage, document, line=True))
        kept, written = len(self.kept), len(self.kept) + self.dropped
        self.stands = self.stands or (kept >= self._rules.least and kept >= self._rules.min_kept * written)


def _said(sentence: str) -> str:
    return plain(without_mark(sentence))
