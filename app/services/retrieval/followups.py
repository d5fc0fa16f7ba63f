"""Follow-up questions: when a question is searched together with the one before it.

Nothing is rewritten, so nothing can be invented: the earlier question is put in front. A question that begins like a
follow-up ("and on a Mac?", "still nothing") is always read so. Any other is first taken at its word, and read together
with the earlier one only where by itself it finds little, and its own words stand in what the two find together: a
change of topic must not be answered with the last topic's answer. Rules and figures were chosen on the tune half, with
the marked follow-ups on one side and changes of topic (every question after an unrelated one) on the other.
"""

import re
from collections.abc import Sequence

from app.domain.conversations import Role, Turn

SURE = 0.8
"""The score from which a question taken at its word needs no other."""

_LEAST_COVERED = 0.3
_AS_WELL = 0.8
_FEW_WORDS = 2
_MAX_CHARS = 600
_OPENING = re.compile(
    r"^\W*(and|but|ok|okay|what about|how about|what (else|now)|still|same|no|yes|did|done|tried|works? now|that|it"
    r"|now|(i|we) (did|tried|started)|i'm still|too late|und|aber|immer noch|geht|et|mais|toujours|y|pero|sigue|ya)\b",
    re.IGNORECASE,
)


def earlier_question(history: Sequence[Turn]) -> str | None:
    """Return what was asked last, cut to a length that leaves room for the new question."""
    asked = [turn.content for turn in history if turn.role is Role.USER]
    return asked[-1][:_MAX_CHARS] if asked else None


def joined(earlier: str, text: str) -> str:
    """Return a question together with the one before it."""
    return f"{earlier}\n{text}"


def surely_follows(text: str) -> bool:
    """Tell whether a question begins like a follow-up, or is too short to be anything else."""
    return len(text.split()) <= _FEW_WORDS or _OPENING.match(text) is not None


def belongs_together(alone: float, own_covered: float, joined_covered: float) -> bool:
    """Tell whether a question that does not begin like a follow-up is one all the same.

    `alone` is its score at its word; the two shares say how many of its own words stand in the best document it finds
    alone, and in the best one it finds together with the earlier question.
    """
    return alone < SURE and joined_covered >= max(_LEAST_COVERED, _AS_WELL * own_covered)
