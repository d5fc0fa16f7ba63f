"""What the MongoDB store keeps: the form of a conversation in the collection."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pymongo
import pytest
from pymongo.errors import WriteError

from app.adapters.stores.mongo_store import MongoStore
from app.domain.conversations import Role, Turn
from app.errors import NotFound, StoreFailed

pytest_plugins = ["live_servers"]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def turn(message_id: str, content: str = "My VPN drops") -> Turn:
    return Turn(message_id, Role.USER, content, NOON)


@pytest.fixture
def collection(mongo_uri: str) -> Iterator[Any]:
    """Return the collection as another program sees it."""
    with pymongo.MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client.get_default_database()["conversations"]


async def test_a_conversation_is_one_document(mongo_uri: str, collection: Any) -> None:
    moments = iter((NOON, NOON.replace(hour=13), NOON.replace(hour=14)))
    answer = Turn("2", Role.ASSISTANT, "$restart it", NOON, "answered")
    async with MongoStore(mongo_uri, clock=lambda: next(moments)) as store:
        await store.append("ann", "c", (turn("1"),))
        await store.append("ann", "c", (answer,))
        await store.append("ann", "c", (answer,))
    (document,) = collection.find()
    assert document == {
        "_id": "c",
        "conversation_id": "c",
        "user_id": "ann",
        "conversation_history": [
            {"role": "user", "content": "My VPN drops", "id": "1", "created_at": NOON, "outcome": None},
            {"role": "assistant", "content": "$restart it", "id": "2", "created_at": NOON, "outcome": "answered"},
        ],
        "conversation_text": "My VPN drops\n$restart it\n",
        "created_at": NOON,
        "updated_at": NOON.replace(hour=13),
    }


async def test_the_collection_refuses_what_is_no_conversation(mongo_uri: str, collection: Any) -> None:
    # Made without a validator before, as by another program, which also named an index otherwise.
    collection.create_index([("created_at", -1)], name="newest")
    async with MongoStore(mongo_uri):
        pass
    assert set(collection.index_information()) == {"_id_", "newest", "conversation_user_idx"}
    good = {"conversation_id": "c", "user_id": "ann", "conversation_history": [], "created_at": NOON}
    collection.insert_one(dict(good))
    entry = {"role": "user", "content": "hello"}
    for wrong in (
        {"user_id": 7},
        {"created_at": "today"},
        {"conversation_history": [{**entry, "role": "system"}]},
        {"conversation_history": [{"role": "user"}]},
        {"conversation_history": [{**entry, "id": 5}]},
    ):
        with pytest.raises(WriteError):
            collection.insert_one({**good, "conversation_id": str(uuid4()), **wrong})


async def test_conversations_of_another_program_are_read_and_continued(mongo_uri: str, collection: Any) -> None:
    history = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
    async with MongoStore(mongo_uri) as store:
        collection.insert_one(
            {"conversation_id": "c", "user_id": "ann", "conversation_history": history, "created_at": NOON}
        )
        old = (Turn("", Role.USER, "hello", NOON), Turn("", Role.ASSISTANT, "hi", NOON))
        assert await store.history("ann", "c", 5) == old
        await store.append("ann", "c", (turn("1"),))
        assert await store.history("ann", "c", 5) == (*old, turn("1"))
        with pytest.raises(NotFound):
            await store.append("bob", "c", (turn("2"),))
    assert collection.count_documents({}) == 1


async def test_a_conversation_in_another_form_fails(mongo_uri: str, collection: Any) -> None:
    async with MongoStore(mongo_uri) as store:
        collection.database.command("collMod", "conversations", validator={})
        good = {"conversation_id": "c", "user_id": "ann", "conversation_history": [], "created_at": NOON}
        for wrong in ([{"role": "robot", "content": "hello"}], [{"role": "user"}], ["hello"], "hello", None):
            collection.replace_one({}, {**good, "conversation_history": wrong}, upsert=True)
            with pytest.raises(StoreFailed):
                await store.history("ann", "c", 5)


async def test_text_that_cannot_be_encoded_fails_and_leaves_nothing(mongo_uri: str) -> None:
    async with MongoStore(mongo_uri) as store:
        with pytest.raises(StoreFailed):
            await store.append("ann", "c", (turn("1"), turn("2", "half a pair: \ud83d")))
        with pytest.raises(NotFound):
            await store.history("ann", "c", 10)


async def test_a_conversation_past_the_size_of_a_document_fails_and_stays(mongo_uri: str) -> None:
    async with MongoStore(mongo_uri) as store:
        await store.append("ann", "c", (turn("1"),))
        with pytest.raises(StoreFailed):
            await store.append("ann", "c", (turn("2", "x" * 17_000_000),))
        assert await store.history("ann", "c", 5) == (turn("1"),)


async def test_unless_open_every_call_fails(mongo_uri: str) -> None:
    store = MongoStore(mongo_uri)
    with pytest.raises(StoreFailed):
        await store.ping()
    await store.open()
    await store.ping()
    await store.close()
    await store.close()
    with pytest.raises(StoreFailed):
        await store.history("ann", "c", 1)
