"""API keys in MongoDB, in the collection `api_keys`: their digests, names and times."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from app.adapters.stores import mongo_faults as faults
from app.adapters.stores.mongo_connection import VARIABLE, MongoConnection, inserted, patience
from app.domain.identities import ApiKey
from app.errors import Conflict, DependencyUnreachable, NotFound, StoreFailed

COLLECTION = "api_keys"
_PREPARE_SECONDS = 10.0
# A key in use has no `revoked_at`: of one name there can be one.
_INDEXES: tuple[tuple[str, list[tuple[str, int]]], ...] = (
    ("name_idx", [("name", 1), ("revoked_at", 1)]),
    ("key_id_idx", [("key_id", 1)]),
)


class MongoKeys:
    """A KeyStore that takes notes of use as well, over a connection of its own. Use it as a context manager."""

    def __init__(self, connection: MongoConnection) -> None:
        self._connection = connection

    async def __aenter__(self) -> Self:
        database = await self._connection.open()
        try:
            async with patience(_PREPARE_SECONDS):
                for name, fields in _INDEXES:
                    await database[COLLECTION].create_index(fields, name=name, unique=True)
        except faults.RAISED as error:
            await self._connection.close()
            reason = faults.refusal(error) if faults.is_refusal(error) else f"failed ({type(error).__name__})"
            raise DependencyUnreachable(VARIABLE, f"keys cannot be kept there: {reason}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    async def add(self, key: ApiKey) -> None:
        """Keep a new key; raises Conflict, StoreFailed."""
        async with self._keys() as keys:
            if not await inserted(keys, _document(key)):
                raise Conflict("key", key.name)

    async def find(self, digest: str) -> ApiKey | None:
        """Return the key that has this digest; raises StoreFailed."""
        async with self._keys() as keys:
            found = await keys.find_one({"_id": {"$eq": digest}})
        return None if found is None else _key(found)

    async def every(self) -> tuple[ApiKey, ...]:
        """Return all keys, oldest first; raises StoreFailed."""
        async with self._keys() as keys:
            found = await keys.find({}).sort([("created_at", 1), ("key_id", 1)]).to_list(None)
        return tuple(_key(each) for each in found)

    async def revoke(self, name: str, moment: datetime) -> ApiKey:
        """Revoke a key by id or name; raises NotFound, StoreFailed."""
        async with self._keys() as keys:
            found = await keys.find_one({"key_id": {"$eq": name}})
            if found is None:
                found = await keys.find_one({"name": {"$eq": name}, "revoked_at": {"$eq": None}})
            if found is None:
                raise NotFound("key")
            in_use = {"_id": {"$eq": found["_id"]}, "revoked_at": {"$eq": None}}
            changed = await keys.update_one(in_use, {"$set": {"revoked_at": moment}})
        key = _key(found)
        return replace(key, revoked_at=moment) if changed.modified_count else key

    async def used(self, key_id: str, moment: datetime) -> None:
        """Note that a key was used; raises StoreFailed."""
        async with self._keys() as keys:
            await keys.update_one({"key_id": {"$eq": key_id}}, {"$set": {"used_at": moment}})

    @asynccontextmanager
    async def _keys(self) -> AsyncIterator[Any]:
        """Yield the collection for one request of ours, as durable as the conversations are."""
        async with self._connection.request() as collections:
            like = collections.conversations
            yield like.database.get_collection(
                COLLECTION, write_concern=like.write_concern, read_preference=like.read_preference
            )


def _document(key: ApiKey) -> dict[str, Any]:
    return {
        "_id": key.digest,
        "key_id": key.id,
        "name": key.name,
        "owner": key.owner,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "used_at": key.used_at,
    }


def _key(found: dict[str, Any]) -> ApiKey:
    """Return a document as a key; raises StoreFailed for one that is none."""
    try:
        created, expires, revoked, used = (found[n] for n in ("created_at", "expires_at", "revoked_at", "used_at"))
        return ApiKey(found["key_id"], found["name"], found["owner"], found["_id"], created, expires, revoked, used)
    except KeyError as error:
        raise StoreFailed("mongodb", "a key is not in the form it should have") from error
