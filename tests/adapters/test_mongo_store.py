"""What the MongoDB store keeps: the form of a conversation in the collection."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pymongo
import pytest
from pymongo.errors import WriteError
from store_builders import attachment

from app.adapters.stores.mongo_documents import created
from app.adapters.stores.mongo_store import MongoStore
from app.domain.answers import Citation
from app.domain.conversations import Role, Turn
from app.errors import Conflict, ConversationFull, NotFound, StoreFailed

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
    cited = Citation(1, "kb-vpn", "kb-vpn#2", "VPN", "Restart it.")
    answer = Turn("2", Role.ASSISTANT, "$restart it", NOON, "answered", (cited,))
    async with MongoStore(mongo_uri, clock=lambda: next(moments)) as store:
        await store.append("ann", "c", (turn("1"),))
        await store.append("ann", "c", (answer,))
        await store.append("ann", "c", (answer,))
    (document,) = collection.find()
    assert document == {
        "_id": created("ann", "c", (), NOON)["_id"],
        "conversation_id": "c",
        "user_id": "ann",
        "title": "",
        "conversation_history": [
            {
                "role": "user",
                "content": "My VPN drops",
                "id": "1",
                "created_at": NOON,
                "outcome": None,
                "citations": [],
            },
            {
                "role": "assistant",
                "content": "$restart it",
                "id": "2",
                "created_at": NOON,
                "outcome": "answered",
                "citations": [
                    {
                        "number": 1,
                        "document_id": "kb-vpn",
                        "passage_id": "kb-vpn#2",
                        "title": "VPN",
                        "quote": "Restart it.",
                    }
                ],
            },
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
    names = {"_id_", "newest", "conversation_user_idx", "user_newest_idx", "updated_at_idx"}
    assert set(collection.index_information()) == names
    good = {"conversation_id": "c", "user_id": "ann", "conversation_history": [], "created_at": NOON}
    collection.insert_one(dict(good))
    entry = {"role": "user", "content": "hello"}
    for wrong in (
        {"user_id": 7},
        {"created_at": "today"},
        {"conversation_history": [{**entry, "role": "system"}]},
        {"conversation_history": [{"role": "user"}]},
        {"conversation_history": [{**entry, "id": 5}]},
        {"conversation_history": [{**entry, "citations": [{"number": 1}]}]},
        {"title": None},
        {"attachment_ids": "a"},
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
        assert await store.history("ann", "c", 5, 2) == old
        assert [one.title for one in await store.page("ann", 5)] == ["hello"]
        assert [one.overview.turns for one in await store.find("ann", "vpn", 5)] == [3]
        await store.attach("ann", "c", attachment())
        assert len(await store.attachments("ann", "c")) == 1
        await store.reset("ann", "c")
        assert await store.history("ann", "c", 5) == ()
        await store.append("bob", "c", (turn("2"),))
        assert await store.history("ann", "c", 5) == ()
        assert await store.history("bob", "c", 5) == (turn("2"),)
    assert collection.count_documents({}) == 2


async def test_conversations_of_an_older_version_are_continued_and_their_ids_free_for_others(
    mongo_uri: str, collection: Any
) -> None:
    async with MongoStore(mongo_uri) as store:
        collection.insert_one({**created("ann", "c", (turn("1"),), NOON), "_id": "c"})
        await store.append("ann", "c", (turn("2"),))
        await store.append("bob", "c", (turn("3"),))
        with pytest.raises(Conflict):
            await store.create("ann", "c", "again")
        assert await store.history("ann", "c", 5) == (turn("1"), turn("2"))
        assert await store.history("bob", "c", 5) == (turn("3"),)


async def test_a_conversation_in_another_form_fails(mongo_uri: str, collection: Any) -> None:
    async with MongoStore(mongo_uri) as store:
        collection.database.command("collMod", "conversations", validator={})
        good = {"conversation_id": "c", "user_id": "ann", "conversation_history": [], "created_at": NOON}
        for wrong in ([{"role": "robot", "content": "hello"}], [{"role": "user"}], ["hello"], "hello", None):
            collection.replace_one({}, {**good, "conversation_history": wrong}, upsert=True)
            with pytest.raises(StoreFailed):
                await store.history("ann", "c", 5)
        collection.replace_one({}, {"conversation_id": "c", "user_id": "ann"})
        for call in (store.history("ann", "c", 5), store.overview("ann", "c"), store.page("ann", 5)):
            with pytest.raises(StoreFailed):
                await call


async def test_text_that_cannot_be_encoded_fails_and_leaves_nothing(mongo_uri: str) -> None:
    async with MongoStore(mongo_uri) as store:
        with pytest.raises(StoreFailed):
            await store.append("ann", "c", (turn("1"), turn("2", "half a pair: \ud83d")))
        with pytest.raises(NotFound):
            await store.history("ann", "c", 10)


async def test_a_conversation_past_the_size_of_a_document_is_full_and_stays(mongo_uri: str) -> None:
    async with MongoStore(mongo_uri, request_seconds=20) as store:
        await store.append("ann", "c", (turn("1"),))
        # Refused by the server, by the driver before it sends it, and for its text alone.
        cited = replace(turn("2"), citations=(Citation(1, "", "", "", "x" * 9_000_000),))
        again = replace(turn("3"), citations=cited.citations)
        await store.append("ann", "c", (cited,))
        for wrong in (again, replace(again, content="y" * 6_000_000), turn("3", "x" * 7_000_001)):
            with pytest.raises(ConversationFull) as full:
                await store.append("ann", "c", (wrong,))
            assert full.value.limit in {"16 MB", "7000000 bytes of text"}
        assert await store.history("ann", "c", 5) == (turn("1"), cited)


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


@pytest.mark.parametrize("wrong", [{"$ne": ""}, {"$gt": ""}, {"$regex": ".*"}, {"$exists": True}, ["c"]])
async def test_operators_in_the_place_of_values_are_values(mongo_uri: str, collection: Any, wrong: Any) -> None:
    """Whatever the layers above let through: an object is never asked of the server as a condition."""
    async with MongoStore(mongo_uri) as store:
        await store.append("ann", "c", (turn("1"),))
        await store.attach("ann", "c", attachment())
        before = list(collection.find())
        for owner, name in ((wrong, "c"), ("ann", wrong), (wrong, wrong)):
            for call in (store.history(owner, name, 5), store.overview(owner, name), store.summary(owner, name)):
                with pytest.raises(NotFound):
                    await call
            for call in (store.rename(owner, name, "mine"), store.reset(owner, name), store.delete(owner, name)):
                with pytest.raises(NotFound):
                    await call
            with pytest.raises((NotFound, StoreFailed)):
                await store.append(owner, name, (turn("2"),))
            with pytest.raises((NotFound, StoreFailed)):
                await store.attach(owner, name, attachment())
            with pytest.raises(NotFound):
                await store.detach(owner, name, wrong)
        assert await store.erase(wrong) == 0
        assert await store.page(wrong, 5) == ()
        assert await store.find(wrong, "vpn", 5) == ()
        assert list(collection.find()) == before
