"""Conversations in MongoDB, one document each. The only module that knows Motor and PyMongo.

What was acknowledged is on a majority's disks. A call that fails after the server has applied it leaves its turns
there; made again with the same message ids it changes nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import pymongo
from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure, PyMongoError

from app.adapters.stores import mongo_schema as schema
from app.adapters.stores.turns import now, prepared, to_utc
from app.domain.conversations import Summary, Turn
from app.errors import DependencyUnreachable, NotFound, SettingsInvalid, StartRefused, StoreFailed

_VARIABLE = "MONGODB_URI"
_DATABASE = "itsupport"
_REQUEST_SECONDS = 1.0
# Motor's calls wait for one of its threads before their own time begins: this bounds the two together.
_WAIT_SECONDS = 1.2
_REACH_SECONDS = 4.0
# Indexes of a large collection made by another program take a while; this happens once.
_PREPARE_SECONDS = 120.0
_UNAUTHENTICATED = frozenset({13, 18, 8000})

logger = logging.getLogger(__name__)


class MongoStore:
    """A ConversationStore over the collection `conversations` of the database that the URI names, or `itsupport`.

    Use it as a context manager, or call `open` before and `close` after.
    """

    def __init__(self, uri: str, *, clock: Callable[[], datetime] = now) -> None:
        self._uri = uri
        self._clock = clock
        self._client: Any = None
        self._collection: Any = None
        self.text_search = False
        """Whether the server searches `conversation_text` by an index of its own; known once open."""

    async def open(self) -> None:
        """Connect, and make the collection, its validator and its indexes where they are missing.

        Raises SettingsInvalid where the URI is none, DependencyUnreachable within 5 s, StartRefused where the
        collection cannot be used as it is.
        """
        self._client, database = _connect(self._uri)
        try:
            await self._reach()
            await self._prepare(database)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close all connections, within a second or so whatever the server does."""
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            # Off the loop: it says goodbye to the server, and waits for one that is gone.
            with pymongo.timeout(_REQUEST_SECONDS):
                await asyncio.to_thread(client.close)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def history(self, owner: str, conversation_id: str, limit: int) -> tuple[Turn, ...]:
        """Return the last `limit` turns, oldest first; raises NotFound and StoreFailed."""
        fields = {"conversation_history": {"$slice": -max(0, limit)}, "conversation_text": 0, "user_id": 0}
        async with self._request() as collection:
            found = await collection.find_one(schema.owned(owner, conversation_id), fields)
        if found is None:
            raise NotFound("conversation")
        try:
            return tuple(schema.read(entry, found) for entry in found["conversation_history"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreFailed("mongodb", "a conversation is not in the form it should have") from error

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Append turns in one atomic step; raises NotFound and StoreFailed."""
        moment = to_utc(self._clock())
        fresh = prepared(turns)
        grow = (schema.owned(owner, conversation_id), schema.grown(fresh, moment))
        async with self._request() as collection:
            kept = await _grow_or_create(collection, grow, schema.created(owner, conversation_id, fresh, moment))
        if not kept:
            raise NotFound("conversation")

    async def summary(self, owner: str, conversation_id: str) -> Summary | None:
        """Return what stands for the older turns, if anything does; raises NotFound and StoreFailed."""
        async with self._request() as collection:
            found = await collection.find_one(
                schema.owned(owner, conversation_id), {"summary": 1, "summary_until": 1, "_id": 0}
            )
        if found is None:
            raise NotFound("conversation")
        return Summary(found["summary"], found["summary_until"]) if "summary_until" in found else None

    async def keep_summary(self, owner: str, conversation_id: str, summary: Summary) -> None:
        """Keep what stands for the older turns; raises NotFound and StoreFailed."""
        fields = {"summary": summary.text, "summary_until": summary.until}
        async with self._request() as collection:
            kept = await collection.update_one(schema.owned(owner, conversation_id), {"$set": fields})
        if not kept.matched_count:
            raise NotFound("conversation")

    async def ping(self) -> None:
        """Raise StoreFailed unless the server answers."""
        async with self._request() as collection:
            await collection.database.command("ping")

    @asynccontextmanager
    async def _request(self) -> AsyncIterator[Any]:
        """Yield the collection for one call of ours, bounded in time; what the driver raises becomes StoreFailed."""
        if self._collection is None:
            raise StoreFailed("mongodb", "not open")
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                with pymongo.timeout(_REQUEST_SECONDS):
                    yield self._collection
        except (PyMongoError, BSONError, TimeoutError, UnicodeEncodeError, OverflowError) as error:
            raise StoreFailed("mongodb", type(error).__name__) from error

    async def _reach(self) -> None:
        try:
            async with asyncio.timeout(_REACH_SECONDS + 0.5):
                with pymongo.timeout(_REACH_SECONDS):
                    await self._client.admin.command("ping")
        except OperationFailure as error:
            raise DependencyUnreachable(_VARIABLE, _refusal(error)) from error
        except (PyMongoError, TimeoutError) as error:
            raise DependencyUnreachable(_VARIABLE, f"cannot be reached ({type(error).__name__})") from error

    async def _prepare(self, database: Any) -> None:
        self._collection = database.get_collection(
            schema.COLLECTION,
            write_concern=WriteConcern("majority", j=True),
            # Whoever appended reads it back: never from a secondary, whatever the URI says.
            read_preference=ReadPreference.PRIMARY,
        )
        try:
            with pymongo.timeout(_PREPARE_SECONDS):
                await _validate(database)
                await _index(self._collection, schema.UNIQUE)
                await _index(self._collection, schema.NEWEST)
                self.text_search = await self._index_text()
        except PyMongoError as error:
            if isinstance(error, OperationFailure) and not error.timeout:
                remedy = f"see that `{schema.COLLECTION}` may be altered and holds no conversation twice for a user"
                raise StartRefused(f"{_VARIABLE}: {_refusal(error)}", remedy) from error
            raise DependencyUnreachable(_VARIABLE, f"failed while it was prepared ({type(error).__name__})") from error

    async def _index_text(self) -> bool:
        try:
            await _index(self._collection, schema.TEXT)
        except OperationFailure as error:
            logger.warning("server makes no text index; searching goes on without", extra={"server_code": error.code})
            return False
        return True


async def _grow_or_create(collection: Any, grow: tuple[Any, Any], new: dict[str, Any]) -> bool:
    """Grow a conversation, or create it; False where it is another owner's. Each step is atomic."""
    if (await collection.update_one(*grow)).matched_count:
        return True
    # Asked for by its field: where another program wrote it, `_id` is not the conversation's own.
    same = {"conversation_id": {"$eq": new["conversation_id"]}}
    if await collection.find_one(same, {"_id": 1}) is None:
        try:
            await collection.insert_one(new)
        except DuplicateKeyError:
            logger.debug("conversation created by two at once")
        else:
            return True
    # Somebody has made it since: this owner in another request, or another owner.
    return bool((await collection.update_one(*grow)).matched_count)


def _connect(uri: str) -> tuple[Any, Any]:
    """Return a client, which connects when it is first used, and the database; raises SettingsInvalid."""
    invalid = SettingsInvalid(_VARIABLE, "is not a MongoDB URI", "mongodb://host:27017/itsupport")
    # PyMongo takes anything else for the name of a host.
    if not uri.startswith(("mongodb://", "mongodb+srv://")):
        raise invalid
    try:
        client = AsyncIOMotorClient(uri, timeoutMS=int(_REQUEST_SECONDS * 1000), tz_aware=True, appname=_DATABASE)
        return client, client.get_default_database(default=_DATABASE)
    except (PyMongoError, ValueError):
        # Without its cause, which quotes parts of the URI, and those may be parts of the password.
        raise invalid from None


async def _validate(database: Any) -> None:
    """Make the collection with its validator; one that is there gets it now."""
    try:
        await database.create_collection(schema.COLLECTION, validator=schema.VALIDATOR)
    except CollectionInvalid:
        await database.command("collMod", schema.COLLECTION, validator=schema.VALIDATOR)


async def _index(collection: Any, index: dict[str, Any]) -> None:
    """Make an index; the same one under another name, made by another program, will do."""
    try:
        await collection.create_index(**index)
    except OperationFailure:
        for there in (await collection.index_information()).values():
            if there["key"] == index["keys"] and there.get("unique") == index.get("unique"):
                return
        raise


def _refusal(error: OperationFailure) -> str:
    """Say what a server refused, without its own words: they may quote what it was sent."""
    if error.code in _UNAUTHENTICATED:
        return "the server refuses these credentials"
    return f"the server refuses (code {error.code})"
