"""The history of a labelled question as turns of a conversation."""

from datetime import UTC, datetime

from app.domain.conversations import Role, Turn
from app.domain.evaluation import Labelled


def turns_of(question: Labelled) -> tuple[Turn, ...]:
    """Return the earlier turns, oldest first."""
    now = datetime.now(UTC)
    return tuple(
        Turn(f"{question.id}-{at}", Role(role), content, now) for at, (role, content) in enumerate(question.history)
    )
