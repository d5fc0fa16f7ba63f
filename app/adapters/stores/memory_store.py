"""Conversations in this process's memory, gone when it ends: the smallest store there can be, for tests."""

from collections.abc import Sequence

from app.adapters.stores.turns import prepared
from app.domain.conversations import Summary, Turn
from app.errors import NotFound


class MemoryStore:
    """A ConversationStore over one dictionary. It never fails."""

    def __init__(self) -> None:
        self._conversations: dict[str, tuple[str, dict[str, Turn]]] = {}
        self._summaries: dict[str, Summary] = {}

    async def history(self, owner: str, conversation_id: str, limit: int) -> tuple[Turn, ...]:
        """Return the last `limit` turns, oldest first; raises NotFound."""
        turns = tuple(self._turns(owner, conversation_id).values())
        return turns[max(0, len(turns) - max(0, limit)) :]

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Append turns, each id once, creating the conversation if need be; raises NotFound."""
        fresh = prepared(turns)
        holder, kept = self._conversations.setdefault(conversation_id, (owner, {}))
        if holder != owner:
            raise NotFound("conversation")
        for turn in fresh:
            kept.setdefault(turn.id, turn)

    async def summary(self, owner: str, conversation_id: str) -> Summary | None:
        """Return what stands for the older turns, if anything does; raises NotFound."""
        self._turns(owner, conversation_id)
        return self._summaries.get(conversation_id)

    async def keep_summary(self, owner: str, conversation_id: str, summary: Summary) -> None:
        """Keep what stands for the older turns; raises NotFound."""
        self._turns(owner, conversation_id)
        self._summaries[conversation_id] = summary

    async def ping(self) -> None:
        """Do nothing: memory is always there."""

    def _turns(self, owner: str, conversation_id: str) -> dict[str, Turn]:
        kept = self._conversations.get(conversation_id)
        if kept is None or kept[0] != owner:
            raise NotFound("conversation")
        return kept[1]
