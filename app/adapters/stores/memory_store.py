"""Conversations in this process's memory, gone when it ends: the smallest store there can be, for tests."""

from collections.abc import Sequence

from app.adapters.stores.turns import prepared
from app.domain.conversations import Turn
from app.errors import NotFound


class MemoryStore:
    """A ConversationStore over one dictionary. It never fails."""

    def __init__(self) -> None:
        self._conversations: dict[str, tuple[str, dict[str, Turn]]] = {}

    async def history(self, owner: str, conversation_id: str, limit: int) -> tuple[Turn, ...]:
        """Return the last `limit` turns, oldest first; raises NotFound."""
        kept = self._conversations.get(conversation_id)
        if kept is None or kept[0] != owner:
            raise NotFound("conversation")
        turns = tuple(kept[1].values())
        return turns[max(0, len(turns) - max(0, limit)) :]

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Append turns, each id once, creating the conversation if need be; raises NotFound."""
        fresh = prepared(turns)
        holder, kept = self._conversations.setdefault(conversation_id, (owner, {}))
        if holder != owner:
            raise NotFound("conversation")
        for turn in fresh:
            kept.setdefault(turn.id, turn)

    async def ping(self) -> None:
        """Do nothing: memory is always there."""
