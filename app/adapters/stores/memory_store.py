"""Conversations in this process's memory, gone when it ends: the smallest store there can be, for tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.adapters.stores.turns import now, prepared, title_of, to_utc
from app.domain.conversations import Attachment, Found, Overview, Position, Summary, Turn
from app.errors import Conflict, ConversationFull, NotFound


@dataclass
class _Conversation:
    id: str
    owner: str
    created_at: datetime
    updated_at: datetime
    title: str = ""
    turns: dict[str, Turn] = field(default_factory=dict)
    summary: Summary | None = None
    attachments: dict[str, Attachment] = field(default_factory=dict)

    @property
    def overview(self) -> Overview:
        title = self.title or title_of(self.turns.values())
        return Overview(self.id, title, self.created_at, self.updated_at, len(self.turns))


class MemoryStore:
    """All ports of a conversation store over one dictionary. It never fails."""

    def __init__(
        self, *, most_turns: int = 20_000, most_attachments: int = 100, clock: Callable[[], datetime] = now
    ) -> None:
        self._kept: dict[tuple[str, str], _Conversation] = {}
        self._most_turns = most_turns
        self._most_attachments = most_attachments
        self._clock = clock

    async def history(self, owner: str, conversation_id: str, limit: int, until: int | None = None) -> tuple[Turn, ...]:
        """Return the last `limit` of the first `until` turns, oldest first; raises NotFound."""
        turns = tuple(self._of(owner, conversation_id).turns.values())[: None if until is None else max(0, until)]
        return turns[max(0, len(turns) - max(0, limit)) :]

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Append turns, each id once, creating the conversation if need be; raises ConversationFull."""
        given = prepared(turns)
        kept = self._begun(owner, conversation_id)
        fresh = [turn for turn in given if turn.id not in kept.turns]
        if len(kept.turns) + len(fresh) > self._most_turns:
            raise ConversationFull(f"{self._most_turns} messages")
        kept.turns.update((turn.id, turn) for turn in fresh)
        if fresh:
            kept.updated_at = to_utc(self._clock())

    async def create(self, owner: str, conversation_id: str, title: str) -> Overview:
        """Begin an empty conversation; raises Conflict."""
        if (owner, conversation_id) in self._kept:
            raise Conflict("conversation", conversation_id)
        kept = self._begun(owner, conversation_id)
        kept.title = title
        return kept.overview

    async def overview(self, owner: str, conversation_id: str) -> Overview:
        """Return what a list shows of it; raises NotFound."""
        return self._of(owner, conversation_id).overview

    async def page(self, owner: str, limit: int, after: Position | None = None) -> tuple[Overview, ...]:
        """Return conversations, newest first, from behind a position on."""
        mine = [kept.overview for kept in self._kept.values() if kept.owner == owner]
        mine.sort(key=lambda item: (item.created_at, item.id), reverse=True)
        if after is not None:
            mine = [item for item in mine if (item.created_at, item.id) < (after.created_at, after.id)]
        return tuple(mine[: max(0, limit)])

    async def rename(self, owner: str, conversation_id: str, title: str) -> Overview:
        """Give it another title; raises NotFound."""
        kept = self._of(owner, conversation_id)
        kept.title = title
        return kept.overview

    async def reset(self, owner: str, conversation_id: str) -> None:
        """Take messages, summary and attachments away; raises NotFound."""
        kept = self._of(owner, conversation_id)
        kept.turns, kept.summary, kept.attachments = {}, None, {}
        kept.updated_at = to_utc(self._clock())

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Take a conversation away; raises NotFound."""
        self._of(owner, conversation_id)
        del self._kept[owner, conversation_id]

    async def erase(self, owner: str) -> int:
        """Take everything of an owner away; return how many conversations that were."""
        return self._drop([key for key in self._kept if key[0] == owner])

    async def expire(self, before: datetime, most: int) -> int:
        """Take away conversations whose last change was before."""
        return self._drop([key for key, kept in self._kept.items() if kept.updated_at < before][: max(0, most)])

    async def find(self, owner: str, query: str, limit: int) -> tuple[Found, ...]:
        """Return conversations in which words of the query occur, those with most of them first."""
        words = query.casefold().split()
        found = []
        for kept in self._kept.values():
            texts = [turn.content for turn in kept.turns.values()] if kept.owner == owner else []
            share = sum(any(word in text.casefold() for text in texts) for word in words) / max(1, len(words))
            if share:
                snippet = next(text for text in texts if any(word in text.casefold() for word in words))
                found.append(Found(kept.overview, share, snippet[:200]))
        found.sort(key=lambda item: -item.score)
        best = found[0].score if found else 1.0
        return tuple(replace(item, score=item.score / best) for item in found[: max(0, limit)])

    async def attach(self, owner: str, conversation_id: str, attachment: Attachment) -> None:
        """Keep an attachment, once; raises ConversationFull."""
        kept = self._begun(owner, conversation_id)
        if attachment.id not in kept.attachments and len(kept.attachments) >= self._most_attachments:
            raise ConversationFull(f"{self._most_attachments} attachments")
        kept.attachments.setdefault(attachment.id, replace(attachment, created_at=to_utc(attachment.created_at)))

    async def attachments(self, owner: str, conversation_id: str) -> tuple[Attachment, ...]:
        """Return the attachments, oldest first; raises NotFound."""
        return tuple(self._of(owner, conversation_id).attachments.values())

    async def detach(self, owner: str, conversation_id: str, attachment_id: str) -> None:
        """Take an attachment away; raises NotFound."""
        if self._of(owner, conversation_id).attachments.pop(attachment_id, None) is None:
            raise NotFound("attachment")

    async def summary(self, owner: str, conversation_id: str) -> Summary | None:
        """Return what stands for the older turns, if anything does; raises NotFound."""
        return self._of(owner, conversation_id).summary

    async def keep_summary(self, owner: str, conversation_id: str, summary: Summary) -> None:
        """Keep what stands for the older turns; raises NotFound."""
        self._of(owner, conversation_id).summary = summary

    async def ping(self) -> None:
        """Do nothing: memory is always there."""

    def _begun(self, owner: str, conversation_id: str) -> _Conversation:
        moment = to_utc(self._clock())
        return self._kept.setdefault((owner, conversation_id), _Conversation(conversation_id, owner, moment, moment))

    def _of(self, owner: str, conversation_id: str) -> _Conversation:
        kept = self._kept.get((owner, conversation_id))
        if kept is None:
            raise NotFound("conversation")
        return kept

    def _drop(self, keys: list[tuple[str, str]]) -> int:
        for key in keys:
            del self._kept[key]
        return len(keys)
