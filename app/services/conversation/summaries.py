"""Keeps conversations within their budget: what no longer fits is summarised, and the summary kept with them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.answers import Usage
from app.domain.conversations import Question, Summary, Turn
from app.errors import DependencyFailed, Overloaded
from app.ports import SummaryStore
from app.services.conversation.budget import Budget, CountTokens, cut, portions, shown, split
from app.services.summarising import Part, Summarised, of_turns

log = logging.getLogger(__name__)

_KEPT = 0.5
"""The share of the room that the newest turns may fill after older ones were summarised: the rest is for the next."""

_SUMMARY = 0.25
_PORTION = 1000


class Summarises(Protocol):
    """Makes texts shorter; see Summariser."""

    async def summarise(self, parts: Sequence[Part], max_tokens: int, language: str = "en") -> Summarised:
        """Return a summary of at most `max_tokens` tokens."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What goes with a question: a summary of what is older, and the newest turns in their order.

    `tokens` is what `text` takes; `usage` is what a model spent on summarising for it.
    """

    summary: str = ""
    turns: tuple[Turn, ...] = ()
    tokens: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def text(self) -> str:
        """The context as it is shown to a model; empty where nothing was said before, or nothing fits."""
        return shown(self.summary, self.turns)


class Conversations:
    """Decides what of a conversation goes with a question."""

    def __init__(self, summariser: Summarises, store: SummaryStore, count: CountTokens, budget: Budget) -> None:
        """`count` is the tokenizer of the model that answers."""
        self._summariser = summariser
        self._store = store
        self._count = count
        self._budget = budget

    async def context(
        self, question: Question, history: Sequence[Turn], *, whole: bool = True, reserved: int = 0
    ) -> Context:
        """Return what goes with a question so that it all stays within the budget.

        `history` are the last turns, oldest first; `whole` tells that there are none before them. `reserved` tokens are
        needed for instructions and evidence. Where the question leaves no room, nothing goes with it. Raises NotFound
        where the conversation is another owner's. A summary that cannot be made or kept costs older turns, not the
        answer.
        """
        room = self._budget.room(self._count(question.text) + reserved)
        if not history or not room:
            return Context()
        if whole and self._fits("", history, room):
            return self._made("", tuple(history))
        kept = await self._kept(question)
        turns = _after(history, kept)
        before = kept.text if kept else ""
        if self._fits(before, turns, room):
            return self._made(before, turns)
        return await self._shortened(question, before, turns, room)

    async def _shortened(self, question: Question, before: str, turns: tuple[Turn, ...], room: int) -> Context:
        older, newest = split(turns, self._count, int(room * _KEPT))
        try:
            summary, usage = await self._summary(before, older, int(room * _SUMMARY), question.language or "en")
        except (DependencyFailed, Overloaded):
            log.warning("conversation not summarised", exc_info=True)
            return self._fitting(before, newest, room)
        if older:
            await self._keep(question, Summary(summary, older[-1].id))
        return self._fitting(summary, newest, room, usage)

    async def _summary(self, before: str, older: Sequence[Turn], most: int, language: str) -> tuple[str, Usage]:
        """Fold the older turns into the summary, portion by portion: as many rounds as there are portions."""
        spent = Usage()
        summary = before
        for portion in portions(older, self._count, _PORTION):
            earlier = [Part(summary)] if summary else []
            made = await self._summariser.summarise([*earlier, *of_turns(portion)], most, language)
            summary = cut(made.text, self._count, most)
            spent += made.usage
        return summary, spent

    def _fitting(self, summary: str, turns: tuple[Turn, ...], room: int, usage: Usage | None = None) -> Context:
        """Return what fits for certain: the summary gives way to the turns."""
        left = room - self._count(shown("", turns))
        while summary and not self._fits(summary, turns, room):
            left = min(left, self._count(summary)) - 1
            summary = cut(summary, self._count, left)
        return self._made(summary, turns, usage)

    def _fits(self, summary: str, turns: Sequence[Turn], room: int) -> bool:
        return self._count(shown(summary, turns)) <= room

    def _made(self, summary: str, turns: tuple[Turn, ...], usage: Usage | None = None) -> Context:
        return Context(summary, turns, self._count(shown(summary, turns)), usage or Usage())

    async def _kept(self, question: Question) -> Summary | None:
        if question.conversation_id is None or question.history is not None:
            return None
        try:
            return await self._store.summary(question.owner, question.conversation_id)
        except DependencyFailed:
            log.warning("summary not read", exc_info=True)
            return None

    async def _keep(self, question: Question, summary: Summary) -> None:
        """Keep a summary, unless the caller keeps the conversation itself."""
        if question.conversation_id is None or question.history is not None:
            return
        try:
            await self._store.keep_summary(question.owner, question.conversation_id, summary)
        except DependencyFailed:
            log.warning("summary not kept", exc_info=True)


def _after(history: Sequence[Turn], kept: Summary | None) -> tuple[Turn, ...]:
    """Return the turns that a summary does not cover; where its last one is not among them, it lies before them all."""
    covered = next((at for at, turn in enumerate(history) if kept and turn.id == kept.until), -1)
    return tuple(history[covered + 1 :])
