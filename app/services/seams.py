"""What services ask of one another, and channels of services, where they need not know who does it."""

from collections.abc import AsyncGenerator
from typing import Protocol

from app.domain.answers import Answer
from app.domain.conversations import Question
from app.domain.events import ChatEvent
from app.domain.health import Health
from app.domain.identities import Caller, Credentials
from app.domain.retrieval import Evidence


class Chat(Protocol):
    """Answers questions."""

    async def ask(self, question: Question) -> Answer:
        """Answer; raises NotFound for a conversation that is not the caller's, Overloaded, DeadlineExceeded."""
        ...

    def stream(self, question: Question) -> AsyncGenerator[ChatEvent, None]:
        """Answer step by step; closing the iterator frees the work."""
        ...


class Search(Protocol):
    """Finds evidence."""

    async def search(self, question: Question) -> Evidence:
        """Return the `top_k` best documents; raises Overloaded, DependencyFailed."""
        ...


class HealthReport(Protocol):
    """Asks every part how it is."""

    async def report(self) -> Health:
        """Run all checks, each within its own short time limit; never raises."""
        ...


class Access(Protocol):
    """Says who asks: the one authorisation of REST, WebSocket and Socket.IO."""

    async def caller(self, given: Credentials) -> Caller:
        """Return who gave these credentials; raises NotIdentified where they are wrong, or missing and needed."""
        ...

    async def check(self, caller: Caller) -> None:
        """Raise NotIdentified where a caller's session or key holds no longer: asked before every event."""
        ...


class Anybody:
    """The Access of a service that knows nobody: everybody is the same anonymous caller."""

    async def caller(self, given: Credentials) -> Caller:  # noqa: ARG002 - whatever was given, nobody here issued it
        """Return the anonymous caller."""
        return Caller()

    async def check(self, caller: Caller) -> None:
        """Return: anonymity does not end."""
