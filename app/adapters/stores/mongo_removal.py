"""Taking conversations away from MongoDB, with all that belongs to them.

One that belongs to a conversation is another document, so a fault may fall between the two. What is left is then never
seen, and the next call of the same kind takes it away: an expiry marks what it is about to orphan.
"""

from datetime import datetime
from typing import Any

from app.adapters.stores.mongo_documents import mine, owned
from app.adapters.stores.mongo_part import MongoPart
from app.adapters.stores.turns import to_utc
from app.errors import NotFound

_BATCH = 500
_DOOMED = {"doomed": {"$eq": True}}


class MongoRemoval(MongoPart):
    """A ConversationRemoval. Many are taken away in batches, each in a request of its own."""

    async def reset(self, owner: str, conversation_id: str) -> None:
        """Take messages, summary and attachments away; raises NotFound and StoreFailed."""
        empty = {
            "$set": {
                "conversation_history": [],
                "conversation_text": "",
                "attachment_ids": [],
                "updated_at": to_utc(self._clock()),
            },
            "$unset": {"summary": "", "summary_until": ""},
        }
        key = owned(owner, conversation_id)
        async with self._connection.request() as collections:
            await collections.attachments.delete_many(key)
            kept = await collections.conversations.update_one(key, empty)
        if not kept.matched_count:
            raise NotFound("conversation")

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Take a conversation away; raises NotFound and StoreFailed."""
        key = owned(owner, conversation_id)
        async with self._connection.request() as collections:
            await collections.attachments.delete_many(key)
            gone = await collections.conversations.delete_one(key)
        if not gone.deleted_count:
            raise NotFound("conversation")

    async def erase(self, owner: str) -> int:
        """Take everything of an owner away; return how many conversations that were. Raises StoreFailed."""
        erased = 0
        while count := await self._erase("conversations", owner):
            erased += count
        # Last: nobody can add any more to a conversation that is gone.
        while await self._erase("attachments", owner):
            pass
        return erased

    async def expire(self, before: datetime, most: int) -> int:
        """Take away conversations whose last change was before; raises StoreFailed."""
        if most <= 0:
            return 0
        await self._settle(most)
        old = _unchanged_since(to_utc(before))
        async with self._connection.request() as collections:
            fields = {"conversation_id": 1, "user_id": 1}
            found = [one async for one in collections.conversations.find(old, fields).limit(most)]
            if not found:
                return 0
            theirs = {"$or": [owned(one["user_id"], one["conversation_id"]) for one in found]}
            await collections.attachments.update_many(theirs, {"$set": {"doomed": True}})
            # Asked again: one that was continued meanwhile stays.
            expired = {"_id": {"$in": [one["_id"] for one in found]}, **old}
            gone = await collections.conversations.delete_many(expired)
        await self._settle(most)
        return int(gone.deleted_count)

    async def _erase(self, kind: str, owner: str) -> int:
        async with self._connection.request() as collections:
            collection = getattr(collections, kind)
            ids = [one["_id"] async for one in collection.find(mine(owner), {"_id": 1}).limit(_BATCH)]
            if not ids:
                return 0
            gone = await collection.delete_many({"_id": {"$in": ids}, **mine(owner)})
        return int(gone.deleted_count)

    async def _settle(self, most: int) -> None:
        """Take attachments away whose conversations an expiry took, and keep those of the ones it did not."""
        async with self._connection.request() as collections:
            fields = {"conversation_id": 1, "user_id": 1, "_id": 0}
            found = [one async for one in collections.attachments.find(_DOOMED, fields).limit(most)]
        for owner, conversation_id in {(one["user_id"], one["conversation_id"]) for one in found}:
            key = owned(owner, conversation_id)
            async with self._connection.request() as collections:
                if await collections.conversations.find_one(key, {"_id": 1}) is None:
                    await collections.attachments.delete_many(key)
                else:
                    await collections.attachments.update_many(key, {"$unset": {"doomed": ""}})


def _unchanged_since(moment: datetime) -> dict[str, Any]:
    """Return the filter for what has not changed since; another program may have kept only when it began."""
    never = {"updated_at": None, "created_at": {"$lt": moment}}
    return {"$or": [{"updated_at": {"$lt": moment}}, never]}
