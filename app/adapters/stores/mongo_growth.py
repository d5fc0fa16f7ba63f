"""How turns become part of a conversation: in one atomic update, each id once, up to a greatest number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.adapters.stores.mongo_connection import inserted
from app.adapters.stores.mongo_documents import MESSAGES, created, owned, written
from app.adapters.stores.turns import searchable
from app.domain.conversations import Turn
from app.errors import ConversationFull, NotFound

_TEXT = {"$ifNull": ["$conversation_text", ""]}
_LINE = {"$concat": ["$$this.content", "\n"]}


@dataclass(frozen=True)
class Bounds:
    """How much a conversation may hold: messages, and bytes of text."""

    turns: int
    bytes: int


@dataclass(frozen=True)
class Growth:
    """Turns to be appended to one conversation, within its bounds."""

    owner: str
    conversation_id: str
    turns: Sequence[Turn]
    moment: datetime
    bounds: Bounds

    async def apply(self, conversations: Any) -> None:
        """Append, creating the conversation if need be.

        Raises ConversationFull, and NotFound where it is taken away meanwhile.
        """
        if await self._grow(conversations):
            return
        mine = owned(self.owner, self.conversation_id)
        if await conversations.find_one(mine, {"_id": 1}) is None:
            self._check(len(self.turns), _size(searchable(self.turns)))
            new = created(self.owner, self.conversation_id, self.turns, self.moment)
            if await inserted(conversations, new):
                return
        # Another request has made it, or it is full.
        if await self._grow(conversations):
            return
        count = {"turns": {"$size": MESSAGES}}
        kept = await conversations.find_one(mine, count)
        if kept is None:
            # Another request has taken it away again.
            raise NotFound("conversation")
        self._check(kept["turns"] + len(self.turns), self.bounds.bytes + 1)

    def _check(self, turns: int, size: int) -> None:
        if turns > self.bounds.turns:
            raise ConversationFull(f"{self.bounds.turns} messages")
        if size > self.bounds.bytes:
            raise ConversationFull(f"{self.bounds.bytes} bytes of text")

    async def _grow(self, conversations: Any) -> bool:
        mine = owned(self.owner, self.conversation_id)
        room = self.bounds.turns - len(self.turns)
        if self.turns and room >= 0:
            size = {"$add": [{"$strLenBytes": _TEXT}, _size(searchable(self.turns))]}
            fits = {
                "conversation_history.id": {"$nin": [turn.id for turn in self.turns]},
                f"conversation_history.{room}": {"$exists": False},
                "$expr": {"$lte": [size, self.bounds.bytes]},
            }
            if (await conversations.update_one({**mine, **fits}, self._all())).matched_count:
                return True
        grown = await conversations.update_one({**mine, "$expr": self._fits()}, self._rest())
        return bool(grown.matched_count)

    def _all(self) -> list[dict[str, Any]]:
        """Return the update for turns none of which is there yet: what almost every append is.

        A pipeline, because history and text must grow together and by what the server finds, not by what was read
        before. Literals, because a message that begins with a dollar sign is no expression.
        """
        return [
            {
                "$set": {
                    "conversation_history": {"$concatArrays": [MESSAGES, _literal(self._written())]},
                    "conversation_text": {"$concat": [_TEXT, _literal(searchable(self.turns))]},
                    "updated_at": _literal(self.moment),
                }
            }
        ]

    def _rest(self) -> list[dict[str, Any]]:
        """Return the update that adds those turns whose ids are not there yet; one that adds none has no effect."""
        text = {"$reduce": {"input": "$_fresh", "initialValue": "", "in": {"$concat": ["$$value", _LINE]}}}
        return [
            {"$set": {"_fresh": self._fresh()}},
            {
                "$set": {
                    "conversation_history": {"$concatArrays": [MESSAGES, "$_fresh"]},
                    "conversation_text": {"$concat": [_TEXT, text]},
                    "updated_at": {"$cond": [{"$eq": ["$_fresh", []]}, "$updated_at", _literal(self.moment)]},
                }
            },
            {"$unset": "_fresh"},
        ]

    def _fits(self) -> dict[str, Any]:
        lines = {"$map": {"input": "$$fresh", "as": "this", "in": {"$strLenBytes": _LINE}}}
        turns = {"$add": [{"$size": MESSAGES}, {"$size": "$$fresh"}]}
        size = {"$add": [{"$strLenBytes": _TEXT}, {"$sum": lines}]}
        fits = {"$and": [{"$lte": [turns, self.bounds.turns]}, {"$lte": [size, self.bounds.bytes]}]}
        return {"$let": {"vars": {"fresh": self._fresh()}, "in": fits}}

    def _fresh(self) -> dict[str, Any]:
        known = {"$map": {"input": MESSAGES, "as": "old", "in": "$$old.id"}}
        # Intersected first: comparing every new id with every old one would take their product.
        again = {"$setIntersection": [known, _literal([turn.id for turn in self.turns])]}
        absent = {"$not": [{"$in": ["$$turn.id", "$$again"]}]}
        fresh = {"$filter": {"input": _literal(self._written()), "as": "turn", "cond": absent}}
        return {"$let": {"vars": {"again": again}, "in": fresh}}

    def _written(self) -> list[dict[str, Any]]:
        return [written(turn) for turn in self.turns]


def last_of_first(limit: int, until: int) -> dict[str, Any]:
    """Return the expression for the last `limit` of the first `until` turns; both are more than 0."""
    return {"$slice": [{"$slice": [MESSAGES, until]}, -limit]}


def _size(text: str) -> int:
    return len(text.encode())


def _literal(value: Any) -> dict[str, Any]:
    return {"$literal": value}
