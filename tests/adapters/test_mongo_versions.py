"""Which version of its schema a MongoDB database has, and what a start makes of it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from store_builders import exchange

from app.adapters.stores.mongo_schema import VALIDATORS, VERSION
from app.adapters.stores.mongo_store import MongoStore
from app.errors import StartRefused

pytest_plugins = ["live_servers"]


@pytest.fixture
def database(mongo_uri: str) -> Iterator[Any]:
    """Return the database as another program sees it."""
    with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client.get_default_database()


async def versions(uri: str) -> tuple[int, int]:
    async with MongoStore(uri) as store:
        return store.prepared.before, store.prepared.version


async def test_a_start_records_the_version_once(mongo_uri: str, database: Any) -> None:
    assert await versions(mongo_uri) == (0, VERSION)
    assert await versions(mongo_uri) == (VERSION, VERSION)
    assert list(database["schema_versions"].find()) == [{"_id": "conversations", "version": VERSION}]


async def test_many_who_start_at_once_agree(mongo_uri: str, database: Any) -> None:
    await asyncio.gather(*(versions(mongo_uri) for _ in range(6)))
    assert list(database["schema_versions"].find()) == [{"_id": "conversations", "version": VERSION}]
    assert {one["name"] for one in database.list_collections()} >= set(VALIDATORS)


async def test_an_older_database_gets_the_validators_and_keeps_its_conversations(mongo_uri: str, database: Any) -> None:
    old = {"$jsonSchema": {"required": ["conversation_id"], "properties": {"title": {"bsonType": "int"}}}}
    database.create_collection("conversations", validator=old)
    async with MongoStore(mongo_uri) as store:
        turns = exchange("My VPN drops")
        await store.append("ann", "c", turns)
        assert await store.history("ann", "c", 5) == turns
    (found,) = database.list_collections(filter={"name": "conversations"})
    assert found["options"]["validator"] == VALIDATORS["conversations"]


async def test_a_database_that_is_up_to_date_keeps_the_validator_it_has(mongo_uri: str, database: Any) -> None:
    """Changing one needs rights that a service which reads and writes need not have."""
    await versions(mongo_uri)
    database.command("collMod", "conversations", validator={"user_id": {"$type": "string"}})
    await versions(mongo_uri)
    (found,) = database.list_collections(filter={"name": "conversations"})
    assert found["options"]["validator"] == {"user_id": {"$type": "string"}}


async def test_what_was_dropped_is_made_again(mongo_uri: str, database: Any) -> None:
    await versions(mongo_uri)
    database.drop_collection("conversation_attachments")
    database["conversations"].drop_index("user_newest_idx")
    await versions(mongo_uri)
    (found,) = database.list_collections(filter={"name": "conversation_attachments"})
    assert found["options"]["validator"] == VALIDATORS["conversation_attachments"]
    assert "user_newest_idx" in database["conversations"].index_information()


async def test_a_newer_database_refuses_the_start_and_stays_as_it_is(mongo_uri: str, database: Any) -> None:
    database["schema_versions"].insert_one({"_id": "conversations", "version": VERSION + 1})
    with pytest.raises(StartRefused, match="newer version") as refused:
        await MongoStore(mongo_uri).open()
    assert "MONGODB_URI" in refused.value.remedy
    assert [one["name"] for one in database.list_collections()] == ["schema_versions"]


@pytest.mark.parametrize("wrong", ["1", None, 1.5])
async def test_a_version_that_is_no_number_refuses_the_start(mongo_uri: str, database: Any, wrong: Any) -> None:
    database["schema_versions"].insert_one({"_id": "conversations", "version": wrong})
    with pytest.raises(StartRefused, match="schema_versions"):
        await MongoStore(mongo_uri).open()
