"""Seams to what is kept."""

from collections.abc import Sequence
from typing import Protocol

from app.domain.conversations import Summary, Turn


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


class SummaryStore(Protocol):
    """Keeps, with each conversation, what stands for its older turns. What was kept last counts."""

    async def summary(self, owner: str, conversation_id: str) -> Summary | None:
        """Return the summary; None where none was kept. Raises NotFound as `history` does, StoreFailed."""
        ...

    async def keep_summary(self, owner: str, conversation_id: str, summary: Summary) -> None:
        """Keep a summary in the place of the one before; raises NotFound as `history` does, StoreFailed."""
        ...


class ResponseCache(Protocol):
    """Forgets at will. A cache that fails behaves as one that is empty: no method raises."""

    async def get(self, key: str) -> bytes | None:
        """Return what was put under this key and has not expired."""
        ...

    async def put(self, key: str, value: bytes) -> None:
        """Keep a value for the cache's time to live."""
        ...


class Leases(Protocol):
    """Lets one owner at a time work on a key. Where leases fail there are none, and everybody works: no method raises.

    An owner is a text nobody else has. A lease is an economy, never a lock that correctness rests on.
    """

    async def take(self, key: str, owner: str, seconds: float) -> bool:
        """Tell whether to begin: the lease is this owner's now, or nobody can tell. False: another owner has it."""
        ...

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """Keep a lease for `seconds` from now; False where it is this owner's no longer."""
        ...

    async def release(self, key: str, owner: str) -> None:
        """Give a lease back; one that is another owner's by now is left alone."""
        ...
