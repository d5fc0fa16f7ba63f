"""What the tests of conversation stores are written in: all ports as one type, turns, attachments, a clock."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import uuid4

from app.domain.conversations import Attachment, AttachmentKind, Role, Turn
from app.ports.stores import (
    AttachmentStore,
    ConversationDirectory,
    ConversationRemoval,
    ConversationSearch,
    ConversationStore,
    SummaryStore,
)

NOON = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)


class Store(
    ConversationStore,
    ConversationDirectory,
    ConversationRemoval,
    ConversationSearch,
    AttachmentStore,
    SummaryStore,
    Protocol,
):
    """All that a store of conversations is asked for."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, minutes: int) -> datetime:
        """Let so many minutes pass; return the time then."""
        self.now += timedelta(minutes=minutes)
        return self.now


NewStore = Callable[..., Awaitable[Store]]


def turn(content: str = "My VPN drops", role: Role = Role.USER, outcome: str | None = None) -> Turn:
    return Turn(str(uuid4()), role, content, NOON, outcome)


def exchange(question: str, answer: str = "Restart it.") -> tuple[Turn, Turn]:
    return turn(question), turn(answer, Role.ASSISTANT, "answered")


def attachment(title: str = "vpn.log", *passages: str) -> Attachment:
    return Attachment(str(uuid4()), AttachmentKind.FILE, title, passages, NOON)
