"""What every store agrees on: which turns are written, and how they look once written."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from app.domain.conversations import Role, Turn

TITLE = 80
"""The longest title made of a question, in characters."""


def now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


def to_utc(moment: datetime) -> datetime:
    """Return an aware time in UTC, cut to the millisecond, the finest that every store keeps.

    Raises ValueError for a time without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be kept")
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def prepared(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return turns as a store writes them: each id once, the first one winning, times as `to_utc` gives them."""
    once: dict[str, Turn] = {}
    for turn in turns:
        once.setdefault(turn.id, replace(turn, created_at=to_utc(turn.created_at)))
    return tuple(once.values())


def searchable(turns: Iterable[Turn]) -> str:
    """Return what these turns add to their conversation's text: every content, ended by a line feed."""
    return "".join(f"{turn.content}\n" for turn in turns)


def title_of(turns: Iterable[Turn]) -> str:
    """Return the title of a conversation that was given none: its first question's beginning, in one line."""
    return title_from(next((turn.content for turn in turns if turn.role is Role.USER), ""))


def title_from(question: str) -> str:
    """Return the title that a first question makes; of the question no more than `2 * TITLE` characters count."""
    words = " ".join(question[: 2 * TITLE].split())
    return words if len(words) <= TITLE else words[: TITLE - 1].rstrip() + "…"
