"""The list of an owner's conversations in MongoDB."""

from typing import Any

from app.adapters.stores.mongo_connection import Collections, inserted
from app.adapters.stores.mongo_documents import OVERVIEW, created, mine, overview, owned
from app.adapters.stores.mongo_part import MongoPart
from app.adapters.stores.turns import to_utc
from app.domain.conversations import Overview, Position
from app.errors import Conflict, NotFound


class MongoDirectory(MongoPart):
    """A ConversationDirectory."""

    async def create(self, owner: str, conversation_id: str, title: str) -> Overview:
        """Begin an empty conversation; raises Conflict and StoreFailed."""
        moment = to_utc(self._clock())
        new = created(owner, conversation_id, (), moment, title)
        async with self._connection.request() as collections:
            made = await inserted(collections.conversations, new)
        if not made:
            raise Conflict("conversation", conversation_id)
        return Overview(conversation_id, title, moment, moment, 0)

    async def overview(self, owner: str, conversation_id: str) -> Overview:
        """Return what a list shows of it; raises NotFound and StoreFailed."""
        async with self._connection.request() as collections:
            found = await _overviews(collections, [{"$match": owned(owner, conversation_id)}, {"$limit": 1}])
        if not found:
            raise NotFound("conversation")
        return found[0]

    async def page(self, owner: str, limit: int, after: Position | None = None) -> tuple[Overview, ...]:
        """Return conversations, newest first, from behind a position on; raises StoreFailed."""
        if limit <= 0:
            return ()
        wanted = mine(owner)
        if after is not None:
            moment = to_utc(after.created_at)
            later = {"created_at": {"$eq": moment}, "conversation_id": {"$lt": after.id}}
            wanted = {**wanted, "$or": [{"created_at": {"$lt": moment}}, later]}
        order = {"created_at": -1, "conversation_id": -1}
        async with self._connection.request() as collections:
            return tuple(await _overviews(collections, [{"$match": wanted}, {"$sort": order}, {"$limit": limit}]))

    async def rename(self, owner: str, conversation_id: str, title: str) -> Overview:
        """Give it another title; raises NotFound and StoreFailed."""
        async with self._connection.request() as collections:
            await collections.conversations.update_one(owned(owner, conversation_id), {"$set": {"title": title}})
        return await self.overview(owner, conversation_id)


async def _overviews(collections: Collections, stages: list[dict[str, Any]]) -> list[Overview]:
    cursor = collections.conversations.aggregate([*stages, {"$project": {"_id": 0, **OVERVIEW}}])
    return [overview(found) async for found in cursor]
