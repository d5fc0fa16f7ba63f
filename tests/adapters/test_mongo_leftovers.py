"""What MongoDB keeps beside conversations goes with them, whatever comes between."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pymongo
import pytest
from store_builders import NOON, Clock, attachment, exchange

from app.adapters.stores import mongo_removal
from app.adapters.stores.mongo_connection import Collections
from app.adapters.stores.mongo_store import MongoStore
from app.errors import ConversationFull, NotFound, StoreFailed

pytest_plugins = ["live_servers"]

LATER = NOON + timedelta(days=30)


@pytest.fixture
def kept(mongo_uri: str) -> Iterator[Any]:
    """Return the collection of attachments as another program sees it."""
    with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client.get_default_database()["conversation_attachments"]


async def filled(store: MongoStore, owner: str, *names: str) -> None:
    for name in names:
        await store.append(owner, name, exchange("My VPN drops"))
        await store.attach(owner, name, attachment())


async def test_removal_leaves_no_attachment(mongo_uri: str, kept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_removal, "_BATCH", 2)
    async with MongoStore(mongo_uri, clock=Clock()) as store:
        await filled(store, "ann", *"abcdefg")
        await filled(store, "bob", "h", "i")
        await store.reset("ann", "a")
        await store.delete("ann", "b")
        assert kept.count_documents({}) == 7
        assert await store.erase("ann") == 6
        assert kept.count_documents({}) == 2
        assert await store.expire(LATER, 10) == 2
        assert kept.count_documents({}) == 0


async def test_an_expiry_that_was_cut_off_is_finished_by_the_next(
    mongo_uri: str, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with MongoStore(mongo_uri, clock=Clock()) as store:
        await filled(store, "ann", "a", "b")
        settle = store._settle
        calls = 0

        async def cut_off(most: int) -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise StoreFailed("mongodb", "gone")
            await settle(most)

        monkeypatch.setattr(store, "_settle", cut_off)
        with pytest.raises(StoreFailed):
            await store.expire(LATER, 10)
        assert kept.count_documents({"doomed": True}) == 2
        assert await store.page("ann", 5) == ()
        assert await store.expire(LATER, 10) == 0
        assert kept.count_documents({}) == 0


async def test_one_that_is_continued_while_it_expires_keeps_all_it_has(mongo_uri: str, kept: Any) -> None:
    clock = Clock()
    async with MongoStore(mongo_uri, clock=clock) as store, MongoStore(mongo_uri) as other:
        await filled(store, "ann", "a", "b")
        between(store, "delete_many", lambda: other.append("ann", "a", exchange("And now?")))
        assert await store.expire(LATER - timedelta(days=1), 10) == 1
        assert [one.id for one in await store.page("ann", 5)] == ["a"]
        assert len(await store.attachments("ann", "a")) == 1
        assert kept.count_documents({}) == kept.count_documents({"doomed": {"$exists": False}}) == 1


async def test_what_was_marked_and_stayed_is_unmarked(mongo_uri: str, kept: Any) -> None:
    async with MongoStore(mongo_uri, clock=Clock()) as store:
        await filled(store, "ann", "a")
        kept.update_many({}, {"$set": {"doomed": True}})
        assert len(await store.attachments("ann", "a")) == 1
        assert await store.expire(NOON - timedelta(days=1), 10) == 0
        assert kept.count_documents({"doomed": {"$exists": False}}) == 1
        assert len(await store.attachments("ann", "a")) == 1


async def test_conversations_of_another_program_expire_by_when_they_began(mongo_uri: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
        collection = client.get_default_database()["conversations"]
        for name, moment in (("a", NOON), ("b", LATER)):
            made = {"conversation_id": name, "user_id": "ann", "conversation_history": [], "created_at": moment}
            collection.insert_one(made)
    async with MongoStore(mongo_uri) as store:
        assert await store.expire(LATER, 10) == 1
        assert [one.id for one in await store.page("ann", 5)] == ["b"]


async def test_an_attachment_that_was_never_named_is_not_there(mongo_uri: str, kept: Any) -> None:
    """As after a crash between the two writes: it is not seen, and written anew when it comes again."""
    async with MongoStore(mongo_uri) as store:
        await store.append("ann", "a", exchange("My VPN drops"))
        left, named = attachment("vpn.log", "old"), attachment()
        await store.attach("ann", "a", named)
        kept.update_one({}, {"$set": {"attachment_id": left.id}})
        assert await store.attachments("ann", "a") == ()
        await store.attach("ann", "a", left)
        assert await store.attachments("ann", "a") == (left,)
        await store.detach("ann", "a", named.id)
        assert await store.attachments("ann", "a") == (left,)


async def test_an_attachment_in_another_form_fails(mongo_uri: str, kept: Any) -> None:
    async with MongoStore(mongo_uri) as store:
        await store.attach("ann", "a", attachment())
        kept.database.command("collMod", kept.name, validator={})
        kept.update_one({}, {"$set": {"kind": "picture"}})
        with pytest.raises(StoreFailed):
            await store.attachments("ann", "a")


async def test_an_attachment_does_not_outlive_a_conversation_that_goes_meanwhile(mongo_uri: str, kept: Any) -> None:
    async with MongoStore(mongo_uri) as store, MongoStore(mongo_uri) as other:
        await store.append("ann", "a", exchange("My VPN drops"))
        between(store, "update_one", lambda: other.delete("ann", "a"))
        with pytest.raises(NotFound):
            await store.attach("ann", "a", attachment())
    assert kept.count_documents({}) == 0


async def test_one_place_that_is_taken_meanwhile_is_not_taken_twice(mongo_uri: str, kept: Any) -> None:
    async with MongoStore(mongo_uri, most_attachments=1) as store, MongoStore(mongo_uri) as other:
        await store.append("ann", "a", exchange("My VPN drops"))
        first = attachment()
        between(store, "update_one", lambda: other.attach("ann", "a", first))
        with pytest.raises(ConversationFull):
            await store.attach("ann", "a", attachment())
        assert await other.attachments("ann", "a") == (first,)
    assert kept.count_documents({}) == 1


async def test_a_conversation_that_is_begun_meanwhile_is_continued(mongo_uri: str) -> None:
    async with MongoStore(mongo_uri) as store, MongoStore(mongo_uri) as other:
        turns, file = exchange("My VPN drops"), attachment()
        between(store, "insert_one", lambda: other.append("ann", "a", turns))
        await store.attach("ann", "a", file)
        assert await store.attachments("ann", "a") == (file,)
        assert await store.history("ann", "a", 5) == turns
        between(store, "insert_one", lambda: other.append("ann", "b", turns))
        await store.append("ann", "b", turns)
        assert await store.history("ann", "b", 5) == turns


class Between:
    """A collection where something happens, once, right before a method of it is called."""

    def __init__(self, collection: Any, name: str, happens: Callable[[], Awaitable[object]]) -> None:
        self._collection = collection
        self._name = name
        self._happens: Callable[[], Awaitable[object]] | None = happens

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._collection, name)
        if name != self._name:
            return method

        async def after(*given: Any, **more: Any) -> Any:
            happens, self._happens = self._happens, None
            if happens is not None:
                await happens()
            return await method(*given, **more)

        return after


def between(store: MongoStore, name: str, happens: Callable[[], Awaitable[object]]) -> None:
    """Let something happen between what a store has seen of its conversations and what it does about it."""
    real = store._connection._collections
    assert real is not None
    store._connection._collections = Collections(Between(real.conversations, name, happens), real.attachments)
