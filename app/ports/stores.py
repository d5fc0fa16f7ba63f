"""Seams to what is kept."""

from collections.abc import Sequence
from typing import Protocol

from app.domain.conversations import Turn


class ConversationStore(Protocol):
    """Keeps conversations. What `append` acknowledged is durable."""

    async def history(self, owner: str, conversation_id: str, limit: int) -> tuple[Turn, ...]:
        """Return the last `limit` turns, oldest first.

        Raises NotFound where there is no such conversation of this owner, StoreFailed when it cannot be read.
        """
        ...

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Append turns in one atomic step, creating the conversation if need be; turns already there are kept once.

        Raises NotFound where the conversation is another owner's, StoreFailed when nothing was acknowledged.
        """
        ...

    async def ping(self) -> None:
        """Raise StoreFailed unless the store can be used."""
        ...


class ResponseCache(Protocol):
    """Forgets at will. A cache that fails behaves as one that is empty: no method raises."""

    async def get(self, key: str) -> bytes | None:
        """Return what was put under this key and has not expired."""
        ...

    async def put(self, key: str, value: bytes) -> None:
        """Keep a value for the cache's time to live."""
        ...
