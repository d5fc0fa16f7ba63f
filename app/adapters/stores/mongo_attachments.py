"""Attachments of conversations in MongoDB: a document each, and their ids in the conversation's.

An attachment is there once the conversation names it; that is one atomic update, which also bounds their number.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.adapters.stores.mongo_connection import Collections, MongoConnection, inserted
from app.adapters.stores.mongo_documents import created, owned, packed, unpacked
from app.adapters.stores.mongo_part import MongoPart
from app.adapters.stores.turns import to_utc
from app.domain.conversations import Attachment
from app.errors import ConversationFull, NotFound, StoreFailed

_IDS = {"attachment_ids": 1, "_id": 0}


class MongoAttachments(MongoPart):
    """An AttachmentStore; a conversation holds `most_attachments` at most."""

    def __init__(self, connection: MongoConnection, clock: Callable[[], datetime], most_attachments: int) -> None:
        super().__init__(connection, clock)
        self._most_attachments = most_attachments

    async def attach(self, owner: str, conversation_id: str, attachment: Attachment) -> None:
        """Keep an attachment, once; raises NotFound, ConversationFull and StoreFailed."""
        document = packed(owner, conversation_id, attachment)
        async with self._connection.request(growing=True) as collections:
            ids = await self._begun(collections.conversations, owner, conversation_id)
            if attachment.id in ids:
                return
            kept = len(ids) < self._most_attachments and await self._keep(collections, document)
        if not kept:
            raise ConversationFull(f"{self._most_attachments} attachments")

    async def attachments(self, owner: str, conversation_id: str) -> tuple[Attachment, ...]:
        """Return the attachments, oldest first; raises NotFound and StoreFailed."""
        key = owned(owner, conversation_id)
        async with self._connection.request() as collections:
            ids = await _ids(collections.conversations, key)
            wanted = {**key, "attachment_id": {"$in": ids}}
            found = [one async for one in collections.attachments.find(wanted)] if ids else []
        try:
            kept = {attachment.id: attachment for attachment in map(unpacked, found)}
        except (KeyError, TypeError, ValueError) as error:
            raise StoreFailed("mongodb", "an attachment is not in the form it should have") from error
        return tuple(kept[attachment_id] for attachment_id in ids if attachment_id in kept)

    async def detach(self, owner: str, conversation_id: str, attachment_id: str) -> None:
        """Take an attachment away; raises NotFound and StoreFailed."""
        key = owned(owner, conversation_id)
        named = {**key, "attachment_ids": {"$eq": attachment_id}}
        async with self._connection.request() as collections:
            unnamed = await collections.conversations.update_one(
                named, {"$pull": {"attachment_ids": {"$eq": attachment_id}}}
            )
            # Whether it was named or not: an earlier call may have come no further.
            await collections.attachments.delete_one({**key, "attachment_id": {"$eq": attachment_id}})
            if not unnamed.matched_count:
                await _ids(collections.conversations, key)
        if not unnamed.matched_count:
            raise NotFound("attachment")

    async def _begun(self, conversations: Any, owner: str, conversation_id: str) -> list[str]:
        """Return the ids of a conversation's attachments, having made it if need be; raises NotFound."""
        if await conversations.find_one(owned(owner, conversation_id), {"_id": 1}) is None:
            new = created(owner, conversation_id, (), to_utc(self._clock()))
            if await inserted(conversations, new):
                return []
        return await _ids(conversations, owned(owner, conversation_id))

    async def _keep(self, collections: Collections, document: dict[str, Any]) -> bool:
        """Write an attachment, then let its conversation name it, once; False where it names as many as it may."""
        attachment_id = document["attachment_id"]
        key = owned(document["user_id"], document["conversation_id"])
        one = {**key, "attachment_id": {"$eq": attachment_id}}
        room = {
            "attachment_ids": {"$ne": attachment_id},
            f"attachment_ids.{self._most_attachments - 1}": {"$exists": False},
        }
        await collections.attachments.replace_one(one, document, upsert=True)
        named = await collections.conversations.update_one(
            {**key, **room}, {"$push": {"attachment_ids": attachment_id}}
        )
        if named.matched_count:
            return True
        found = await collections.conversations.find_one(key, _IDS)
        if found is not None and attachment_id in found.get("attachment_ids", ()):
            return True
        await collections.attachments.delete_one(one)
        if found is None:
            raise NotFound("conversation")
        return False


async def _ids(conversations: Any, key: dict[str, Any]) -> list[str]:
    found = await conversations.find_one(key, _IDS)
    if found is None:
        raise NotFound("conversation")
    return list(found.get("attachment_ids", ()))
