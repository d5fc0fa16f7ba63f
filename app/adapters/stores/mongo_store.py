"""Conversations in MongoDB, one document each.

What was acknowledged is on a majority's disks. A call that fails after the server has applied it leaves its turns
there; made again with the same message ids it changes nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from app.adapters.stores import mongo_documents as documents
from app.adapters.stores.mongo_attachments import MongoAttachments
from app.adapters.stores.mongo_connection import REQUEST_SECONDS, MongoConnection
from app.adapters.stores.mongo_directory import MongoDirectory
from app.adapters.stores.mongo_growth import Bounds, Growth, last_of_first
from app.adapters.stores.mongo_migration import Prepared, prepare
from app.adapters.stores.mongo_removal import MongoRemoval
from app.adapters.stores.mongo_search import MongoSearch
from app.adapters.stores.turns import now, prepared, to_utc
from app.domain.conversations import Summary, Turn
from app.errors import NotFound, StoreFailed


class MongoStore(MongoDirectory, MongoRemoval, MongoSearch, MongoAttachments):
    """All ports of a conversation store over the database that the URI names, or `itsupport`.

    Text stands in a document twice, and a document holds 16 MB: with much else in it a conversation may be full before
    it has `most_bytes` of text. A request takes `request_seconds` at most. Use it as a context manager, or call `open`
    before and `close` after.
    """

    def __init__(
        self,
        uri: str,
        *,
        most_turns: int = 20_000,
        most_bytes: int = 7_000_000,
        most_attachments: int = 100,
        request_seconds: float = REQUEST_SECONDS,
        clock: Callable[[], datetime] = now,
    ) -> None:
        connection = MongoConnection(uri, request_seconds=request_seconds)
        super().__init__(connection, clock, most_attachments)
        self._bounds = Bounds(most_turns, most_bytes)
        self.prepared = Prepared("", 0, 0, created=False, text_search=False)
        """What opening found and made; known once open."""

    @property
    def outages(self) -> int:
        """How often the server was given up for a while."""
        return self._connection.outages

    async def open(self) -> None:
        """Connect, and bring the database up to date.

        Raises SettingsInvalid where the URI is none, DependencyUnreachable within 5 s, StartRefused where the
        database is of a newer version or cannot be used as it is.
        """
        database = await self._connection.open()
        try:
            self.prepared = await prepare(database)
        except BaseException:
            await self.close()
            raise
        self.text_search = self.prepared.text_search

    async def close(self) -> None:
        """Close all connections, within a second or so whatever the server does."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def history(self, owner: str, conversation_id: str, limit: int, until: int | None = None) -> tuple[Turn, ...]:
        """Return the last `limit` of the first `until` turns, oldest first; raises NotFound and StoreFailed."""
        key = documents.owned(owner, conversation_id)
        most = max(0, limit) if until is None or until > 0 else 0
        async with self._connection.request() as collections:
            if most and until is not None:
                fields: dict[str, Any] = {"created_at": 1, "conversation_history": last_of_first(most, until)}
                found = [
                    one async for one in collections.conversations.aggregate([{"$match": key}, {"$project": fields}])
                ]
                conversation = found[0] if found else None
            else:
                fields = {"created_at": 1, "conversation_history": {"$slice": -most}}
                conversation = await collections.conversations.find_one(key, fields)
        if conversation is None:
            raise NotFound("conversation")
        return _turns(conversation)

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Append turns in one atomic step; raises NotFound, ConversationFull and StoreFailed."""
        moment = to_utc(self._clock())
        growth = Growth(owner, conversation_id, prepared(turns), moment, self._bounds)
        async with self._connection.request(growing=True) as collections:
            await growth.apply(collections.conversations)

    async def summary(self, owner: str, conversation_id: str) -> Summary | None:
        """Return what stands for the older turns, if anything does; raises NotFound and StoreFailed."""
        key = documents.owned(owner, conversation_id)
        async with self._connection.request() as collections:
            found = await collections.conversations.find_one(key, {"summary": 1, "summary_until": 1, "_id": 0})
        if found is None:
            raise NotFound("conversation")
        return Summary(found["summary"], found["summary_until"]) if "summary_until" in found else None

    async def keep_summary(self, owner: str, conversation_id: str, summary: Summary) -> None:
        """Keep what stands for the older turns; raises NotFound and StoreFailed."""
        fields = {"summary": summary.text, "summary_until": summary.until}
        async with self._connection.request() as collections:
            kept = await collections.conversations.update_one(documents.owned(owner, conversation_id), {"$set": fields})
        if not kept.matched_count:
            raise NotFound("conversation")

    async def ping(self) -> None:
        """Raise StoreFailed unless the server answers."""
        async with self._connection.request() as collections:
            await collections.conversations.database.command("ping")


def _turns(conversation: dict[str, Any]) -> tuple[Turn, ...]:
    try:
        return tuple(documents.read(entry, conversation) for entry in conversation["conversation_history"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreFailed("mongodb", documents.MALFORMED) from error
