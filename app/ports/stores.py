"""Seams to what is kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app.domain.conversations import Attachment, Found, Overview, Position, Summary, Turn


class ConversationStore(Protocol):
    """Keeps conversations. What `append` acknowledged is durable.

    A conversation is known by its owner and its id together: of another owner, one with the same id is another one.
    """

    async def history(self, owner: str, conversation_id: str, limit: int, until: int | None = None) -> tuple[Turn, ...]:
        """Return the last `limit` turns, oldest first; with `until`, the last ones of the first `until` turns.

        Raises NotFound where there is no such conversation of this owner, StoreFailed when it cannot be read.
        """
        ...

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Append turns in one atomic step, creating the conversation if need be; turns already there are kept once.

        Raises ConversationFull where it may not grow by them, NotFound where it is taken away at the same moment,
        StoreFailed when nothing was acknowledged.
        """
        ...

    async def ping(self) -> None:
        """Raise StoreFailed unless the store can be used."""
        ...


class ConversationDirectory(Protocol):
    """Lists and names the conversations of one owner. Every method raises StoreFailed where the store cannot."""

    async def create(self, owner: str, conversation_id: str, title: str) -> Overview:
        """Begin an empty conversation, with an empty title for none; raises Conflict where the owner has this id."""
        ...

    async def overview(self, owner: str, conversation_id: str) -> Overview:
        """Return what a list shows of it; raises NotFound as `history` does."""
        ...

    async def page(self, owner: str, limit: int, after: Position | None = None) -> tuple[Overview, ...]:
        """Return `limit` conversations at most, newest first, from behind a position on."""
        ...

    async def rename(self, owner: str, conversation_id: str, title: str) -> Overview:
        """Give it another title; raises NotFound as `history` does."""
        ...


class ConversationRemoval(Protocol):
    """Takes conversations away for good. Every method raises StoreFailed where the store cannot."""

    async def reset(self, owner: str, conversation_id: str) -> None:
        """Take messages, summary and attachments away, and keep the conversation; raises NotFound."""
        ...

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Take a conversation away with all that belongs to it; raises NotFound."""
        ...

    async def erase(self, owner: str) -> int:
        """Take everything of an owner away; return how many conversations that were."""
        ...

    async def expire(self, before: datetime, most: int) -> int:
        """Take away at most `most` conversations, of any owner, whose last change was before; return how many."""
        ...


class ConversationSearch(Protocol):
    """Finds conversations by the words said in them."""

    async def find(self, owner: str, query: str, limit: int) -> tuple[Found, ...]:
        """Return the owner's conversations in which all words occur, best first, then those with some of them.

        `query` is words, whatever characters it holds: nothing in it is an operator. Raises StoreFailed.
        """
        ...


class AttachmentStore(Protocol):
    """Keeps what was added to a conversation beside its messages. Every method raises NotFound and StoreFailed."""

    async def attach(self, owner: str, conversation_id: str, attachment: Attachment) -> None:
        """Keep an attachment, creating the conversation if need be; one whose id is there already is kept once.

        Raises ConversationFull where the conversation holds as many as it may.
        """
        ...

    async def attachments(self, owner: str, conversation_id: str) -> tuple[Attachment, ...]:
        """Return the attachments, oldest first."""
        ...

    async def detach(self, owner: str, conversation_id: str, attachment_id: str) -> None:
        """Take an attachment away."""
        ...


class SummaryStore(Protocol):
    """Keeps, with each conversation, what stands for its older turns. What was kept last counts."""

    async def summary(self, owner: str, conversation_id: str) -> Summary | None:
        """Return the summary; None where none was kept. Raises NotFound as `history` does, StoreFailed."""
        ...

    async def keep_summary(self, owner: str, conversation_id: str, summary: Summary) -> None:
        """Keep a summary in the place of the one before; raises NotFound as `history` does, StoreFailed."""
        ...


class ConversationArchive(
    ConversationStore,
    ConversationDirectory,
    ConversationRemoval,
    ConversationSearch,
    SummaryStore,
    AttachmentStore,
    Protocol,
):
    """All of the above: what an adapter that keeps conversations offers. Services ask for the part they need."""


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
