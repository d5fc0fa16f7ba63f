"""How the MongoDB store opens: the indexes it makes, and whom it refuses, without telling any secret."""

import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pymongo
import pytest
from fault_proxy import proxied
from motor.motor_asyncio import AsyncIOMotorCollection
from server_processes import Server

from app.adapters.stores import mongo_migration
from app.adapters.stores.mongo_connection import MongoConnection
from app.adapters.stores.mongo_store import MongoStore
from app.domain.conversations import Role, Turn
from app.errors import DependencyUnreachable, SettingsInvalid, StartRefused

pytest_plugins = ["live_servers"]

ABSENT_SECONDS = 3.0
"""With what is imported before, the process has five."""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def turn(message_id: str, content: str = "My VPN drops") -> Turn:
    return Turn(message_id, Role.USER, content, NOON)


@pytest.fixture
def collection(mongo_uri: str) -> Iterator[Any]:
    """Return the collection as another program sees it."""
    with pymongo.MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client.get_default_database()["conversations"]


async def test_opening_twice_makes_the_same_indexes(mongo_uri: str, collection: Any) -> None:
    for _ in range(2):
        async with MongoStore(mongo_uri):
            pass
    found = collection.index_information()
    assert set(found) == {"_id_", "conversation_user_idx", "created_at_idx", "user_newest_idx", "updated_at_idx"}
    assert found["conversation_user_idx"]["unique"]
    assert found["conversation_user_idx"]["key"] == [("conversation_id", 1), ("user_id", 1)]
    assert found["created_at_idx"]["key"] == [("created_at", -1)]


async def test_the_database_is_itsupport_unless_named(mongo_server: Server) -> None:
    async with MongoStore(mongo_server.address) as store, store._connection.request() as collections:
        assert collections.conversations.database.name == "itsupport"


async def test_a_server_without_text_indexes_is_used_without(mongo_uri: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with MongoStore(mongo_uri) as store:
            assert not store.text_search
    assert [record.getMessage() for record in caplog.records] == [
        "server makes no text index; searching goes on without"
    ]


async def test_a_server_with_text_indexes_gets_one(text_mongo: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with MongoStore(f"{text_mongo.address}/texts") as store:
            assert store.text_search
    assert caplog.records == []


async def test_the_text_index_of_another_program_will_do(
    mongo_uri: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A collection has one text index at most: where its words are of another language, a second one is refused."""
    there = {"words": {"key": [("_fts", "text"), ("_ftsx", 1)], "weights": {"conversation_text": 1}}}

    async def index_information(_: Any) -> dict[str, Any]:
        return there

    monkeypatch.setattr(AsyncIOMotorCollection, "index_information", index_information)
    async with MongoStore(mongo_uri) as store:
        assert store.text_search
    assert caplog.records == []


@pytest.mark.parametrize(
    "uri",
    ["hunter2", "http://ann:hunter2@host/", "mongodb://ann:hun@ter2@host:x/", "mongodb://ann:x@host:hunter2/"],
)
async def test_what_is_no_uri_is_refused_without_quoting_it(uri: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        await MongoStore(uri).open()
    assert refused.value.variable == "MONGODB_URI"
    assert _secrets_in(refused.value) == []


async def test_wrong_credentials_are_refused_without_quoting_them(locked_mongo: Server) -> None:
    uri = locked_mongo.address.replace("://", "://ann:hunter2@") + "/itsupport?authSource=admin"
    with pytest.raises(DependencyUnreachable, match="refuses these credentials") as refused:
        await MongoStore(uri).open()
    assert refused.value.variable == "MONGODB_URI"
    assert _secrets_in(refused.value) == []


async def test_a_server_that_does_not_answer_refuses_the_start_soon(own_mongo: Server) -> None:
    own_mongo.freeze()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"mongodb://ann:hunter2@127.0.0.1:{closed.getsockname()[1]}/itsupport"
        began = time.monotonic()
        results = await asyncio.gather(
            MongoStore(nobody).open(), MongoStore(own_mongo.address).open(), return_exceptions=True
        )
        assert time.monotonic() - began < ABSENT_SECONDS
    for result in results:
        assert isinstance(result, DependencyUnreachable)
        assert result.variable == "MONGODB_URI"
        assert _secrets_in(result) == []


async def test_a_server_that_wakes_up_late_is_waited_for(own_mongo: Server) -> None:
    own_mongo.freeze()
    waking = asyncio.get_running_loop().call_later(1.5, own_mongo.thaw)
    async with MongoStore(own_mongo.address) as store:
        await store.ping()
    assert waking.when() <= asyncio.get_running_loop().time()


async def test_a_server_that_is_slow_with_everything_is_waited_for(mongo_server: Server) -> None:
    async with proxied(mongo_server.port) as proxy:
        proxy.faults.latency = 0.8
        connection = MongoConnection(f"mongodb://127.0.0.1:{proxy.port}/slow?directConnection=true")
        assert (await connection.open()).name == "slow"
        await connection.close()


async def test_a_collection_that_cannot_have_its_unique_index_refuses_the_start(
    mongo_uri: str, collection: Any
) -> None:
    collection.insert_many([{"conversation_id": "c", "user_id": "ann"} for _ in range(2)])
    with pytest.raises(StartRefused, match="refuses"):
        await MongoStore(mongo_uri).open()


async def test_a_server_that_fails_halfway_refuses_the_start(mongo_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_migration, "_PREPARE_SECONDS", 1e-6)
    with pytest.raises(DependencyUnreachable, match="prepared"):
        await MongoStore(mongo_uri).open()


def _secrets_in(error: BaseException) -> list[str]:
    """Return what an error and its causes say of the URI's password."""
    said: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        said.append(f"{cause!s} {getattr(cause, 'remedy', '')}")
        cause = cause.__cause__
    return [text for text in said if "hunter2" in text or "ter2" in text]
