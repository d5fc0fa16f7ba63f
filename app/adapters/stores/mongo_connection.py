"""One way to MongoDB, for all that is kept there. The only module that knows Motor.

A request has one time limit, whatever it does; after several that the server did not answer, none is made for a while,
then one is, to see whether the server is back. Where several wait at once, that is known before their time is over.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReadPreference, WriteConcern

from app.adapters.stores import mongo_faults as faults
from app.adapters.stores.mongo_schema import ATTACHMENTS, CONVERSATIONS
from app.adapters.stores.mongo_waiting import Waiting
from app.domain.breaker import Breaker
from app.errors import ConversationFull, DependencyUnreachable, ServiceError, SettingsInvalid, StoreFailed

VARIABLE = "MONGODB_URI"
DATABASE = "itsupport"
REQUEST_SECONDS = 1.0
# Motor's calls wait for one of its threads before their own time begins: this is added for the two together.
_WAIT_SECONDS = 0.2
# A server that nothing is heard of for so long is absent; one that is heard of has longer, to let us in.
_HEARD_SECONDS = 1.8
_REACH_SECONDS = 2.0
_CLOSE_SECONDS = 1.0
# By the driver's own (20 s and 10 s), a server that is back after an outage would be noticed too late.
_CONNECT_MILLISECONDS = 1000
_HEARTBEAT_MILLISECONDS = 2000
_DOCUMENT = "16 MB"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Collections:
    """What requests work on: written to a majority, read from whoever took the writes."""

    conversations: Any
    attachments: Any


class MongoConnection:
    """A client of the server that a URI names. `request_seconds` bounds each request; `clock` is monotonic."""

    def __init__(
        self, uri: str, *, request_seconds: float = REQUEST_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._uri = uri
        self._seconds = request_seconds
        self._breaker = Breaker(clock)
        self._waiting = Waiting(clock)
        self._client: Any = None
        self._collections: Collections | None = None

    @property
    def outages(self) -> int:
        """How often the server was given up for a while."""
        return self._breaker.openings

    async def open(self) -> Any:
        """Connect and return the database; raises SettingsInvalid, and DependencyUnreachable within 5 s."""
        self._client, database = _connect(self._uri, self._seconds)
        try:
            await self._reach()
        except BaseException:
            await self.close()
            raise
        self._collections = Collections(_durable(database, CONVERSATIONS), _durable(database, ATTACHMENTS))
        return database

    async def close(self) -> None:
        """Close all connections, within a second or so whatever the server does."""
        client, self._client, self._collections = self._client, None, None
        if client is not None:
            # Off the loop: it says goodbye to the server, and waits for one that is gone.
            with pymongo.timeout(_CLOSE_SECONDS):
                await asyncio.to_thread(client.close)

    @asynccontextmanager
    async def request(self, *, growing: bool = False) -> AsyncIterator[Collections]:
        """Yield the collections for one request of ours; what the driver raises becomes StoreFailed.

        Where a document is `growing`, one that would pass its greatest size raises ConversationFull.
        """
        if self._collections is None:
            raise StoreFailed("mongodb", "not open")
        for late in self._waiting.given_up():
            self._learn(late, answered=False)
        ticket = self._breaker.admit()
        if ticket is None:
            raise StoreFailed("mongodb", "did not answer, and is not asked again yet")
        try:
            async with asyncio.timeout(self._seconds + _WAIT_SECONDS) as limit:
                with self._waiting.one(ticket, limit), pymongo.timeout(self._seconds):
                    yield self._collections
        except faults.RAISED as error:
            self._learn(ticket, answered=not faults.is_outage(error))
            if growing and faults.is_too_large(error):
                raise ConversationFull(_DOCUMENT) from error
            raise StoreFailed("mongodb", type(error).__name__) from error
        except ServiceError:
            # Ours, after the server had answered.
            self._learn(ticket, answered=True)
            raise
        except BaseException:
            self._breaker.abandoned(ticket)
            raise
        else:
            self._learn(ticket, answered=True)

    def _learn(self, ticket: int, *, answered: bool) -> None:
        if answered:
            self._waiting.answered()
        if answered and self._breaker.succeeded(ticket):
            logger.info("mongodb answers again")
        elif not answered and self._breaker.failed(ticket):
            logger.warning("mongodb does not answer; asked again from time to time")

    async def _reach(self) -> None:
        try:
            try:
                await self._ping(_HEARD_SECONDS)
            except faults.RAISED as error:
                if not faults.is_outage(error) or not self._client.topology_description.has_known_servers:
                    raise
                await self._ping(_REACH_SECONDS)
        except faults.RAISED as error:
            reason = f"cannot be reached ({type(error).__name__})"
            if faults.is_refusal(error):
                reason = faults.refusal(error)
            raise DependencyUnreachable(VARIABLE, reason) from error

    async def _ping(self, seconds: float) -> None:
        async with asyncio.timeout(seconds + _WAIT_SECONDS):
            with pymongo.timeout(seconds):
                await self._client.admin.command("ping")


async def inserted(collection: Any, document: dict[str, Any]) -> bool:
    """Insert a document; False where one with its keys is there already."""
    try:
        await collection.insert_one(document)
    except faults.Duplicate:
        return False
    return True


@asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """Give the driver's calls in the block so much time, all together."""
    with pymongo.timeout(seconds):
        yield


def _durable(database: Any, name: str) -> Any:
    return database.get_collection(
        name,
        write_concern=WriteConcern("majority", j=True),
        # Whoever appended reads it back: never from a secondary, whatever the URI says.
        read_preference=ReadPreference.PRIMARY,
    )


def _connect(uri: str, seconds: float) -> tuple[Any, Any]:
    """Return a client, which connects when it is first used, and the database; raises SettingsInvalid."""
    invalid = SettingsInvalid(VARIABLE, "is not a MongoDB URI", "mongodb://host:27017/itsupport")
    # PyMongo takes anything else for the name of a host.
    if not uri.startswith(("mongodb://", "mongodb+srv://")):
        raise invalid
    try:
        client = AsyncIOMotorClient(
            uri,
            timeoutMS=int(seconds * 1000),
            connectTimeoutMS=_CONNECT_MILLISECONDS,
            heartbeatFrequencyMS=_HEARTBEAT_MILLISECONDS,
            tz_aware=True,
            appname=DATABASE,
        )
        return client, client.get_default_database(default=DATABASE)
    except (*faults.RAISED, ValueError):
        # Without its cause, which quotes parts of the URI, and those may be parts of the password.
        raise invalid from None
