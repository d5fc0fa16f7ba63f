"""Conversations as their owner handles them: begun, listed, read, named, emptied, taken away, searched, exported."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.conversations import Attachment, AttachmentKind, Found, Overview, Position, Turn
from app.errors import NotFound
from app.ports import ConversationArchive
from app.services.conversation.exporting import Export, ExportFormat, exported


@dataclass(frozen=True, slots=True)
class Messages:
    """A piece of a conversation: `turns` oldest first; `start` of them came before, in the conversation as a whole."""

    overview: Overview
    turns: tuple[Turn, ...]
    start: int


def _now() -> datetime:
    """Return the time to the millisecond, the finest that every store keeps."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class ConversationService:
    """What the owner of conversations may do; what is another owner's is not found.

    Every method raises StoreFailed where the store cannot.
    """

    def __init__(self, store: ConversationArchive, clock: Callable[[], datetime] = _now) -> None:
        self._store = store
        self._clock = clock

    async def create(self, owner: str, title: str = "", conversation_id: str | None = None) -> Overview:
        """Begin an empty conversation; raises Conflict where the owner has one with this id."""
        return await self._store.create(owner, conversation_id or str(uuid.uuid4()), title)

    async def page(self, owner: str, limit: int, after: Position | None = None) -> tuple[tuple[Overview, ...], bool]:
        """Return at most `limit` conversations, newest first, and whether there are more behind them."""
        found = await self._store.page(owner, limit + 1, after)
        return found[:limit], len(found) > limit

    async def messages(self, owner: str, conversation_id: str, limit: int, until: int | None = None) -> Messages:
        """Return the last `limit` messages, or those of the first `until` of them; raises NotFound."""
        overview = await self._store.overview(owner, conversation_id)
        # Counted once: what is said meanwhile does not move the piece that is read.
        until = overview.turns if until is None else min(until, overview.turns)
        turns = await self._store.history(owner, conversation_id, limit, until)
        return Messages(overview, turns, until - len(turns))

    async def rename(self, owner: str, conversation_id: str, title: str) -> Overview:
        """Give a conversation another title; raises NotFound."""
        return await self._store.rename(owner, conversation_id, title)

    async def reset(self, owner: str, conversation_id: str) -> Overview:
        """Take away all that was said in a conversation and added to it, and keep its name; raises NotFound."""
        await self._store.reset(owner, conversation_id)
        return await self._store.overview(owner, conversation_id)

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Take a conversation away for good; raises NotFound."""
        await self._store.delete(owner, conversation_id)

    async def erase(self, owner: str) -> int:
        """Take everything of an owner away for good; return how many conversations that were."""
        return await self._store.erase(owner)

    async def search(self, owner: str, query: str, limit: int) -> tuple[Found, ...]:
        """Return the owner's conversations in which the words of a query occur, best first."""
        return await self._store.find(owner, query, limit)

    async def export(self, owner: str, conversation_id: str, form: ExportFormat) -> Export:
        """Return a conversation as a file, written while it is read; raises NotFound."""
        overview = await self._store.overview(owner, conversation_id)
        return exported(self._store, self._store, owner, overview, form, self._clock())

    async def add_example(self, owner: str, conversation_id: str, question: str, answer: str) -> Attachment:
        """Keep how a question is to be answered in this conversation; raises NotFound, ConversationFull."""
        # Attaching would begin a conversation that is not there.
        await self._store.overview(owner, conversation_id)
        example = Attachment(str(uuid.uuid4()), AttachmentKind.EXAMPLE, question, (answer,), self._clock())
        await self._store.attach(owner, conversation_id, example)
        return example

    async def examples(self, owner: str, conversation_id: str) -> tuple[Attachment, ...]:
        """Return a conversation's examples, oldest first; raises NotFound."""
        added = await self._store.attachments(owner, conversation_id)
        return tuple(item for item in added if item.kind is AttachmentKind.EXAMPLE)

    async def remove_example(self, owner: str, conversation_id: str, example_id: str) -> None:
        """Take an example away; raises NotFound, for what is no example as well."""
        if all(item.id != example_id for item in await self.examples(owner, conversation_id)):
            raise NotFound("example")
        await self._store.detach(owner, conversation_id, example_id)
