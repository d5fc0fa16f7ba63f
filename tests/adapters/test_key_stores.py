"""What every store of keys does: memory, a file, MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from server_processes import Server

from app.adapters.access.memory import MemoryKeys
from app.adapters.access.sqlite_keys import SqliteKeys
from app.adapters.stores.mongo_connection import MongoConnection
from app.adapters.stores.mongo_keys import MongoKeys
from app.domain.identities import ApiKey
from app.errors import Conflict, DependencyUnreachable, NotFound, SettingsInvalid, StartRefused, StoreFailed

pytest_plugins = ["live_servers"]

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
Store = MemoryKeys | SqliteKeys | MongoKeys


def key(number: int = 1, name: str = "ci") -> ApiKey:
    made = NOW + timedelta(seconds=number)
    return ApiKey(f"id{number}", name, "desk", f"digest{number}", made, NOW + timedelta(days=number))


@pytest.fixture(params=["memory", "sqlite", "mongo"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield MemoryKeys()
        elif request.param == "sqlite":
            yield await stack.enter_async_context(SqliteKeys(tmp_path / "deep" / "access.sqlite3"))
        else:
            uri: str = request.getfixturevalue("mongo_uri")
            yield await stack.enter_async_context(MongoKeys(MongoConnection(uri, request_seconds=5)))


async def test_a_key_is_kept_as_it_is(store: Store) -> None:
    eternal = replace(key(2, "other"), expires_at=None)
    await store.add(eternal)
    await store.add(key())
    assert await store.find("digest1") == key()
    assert await store.find("digest2") == eternal
    assert await store.find("id1") is None
    assert await store.every() == (key(), eternal)


async def test_of_the_keys_in_use_none_has_the_name_of_another(store: Store) -> None:
    await store.add(key())
    for again in (key(2), key(1, "other")):
        with pytest.raises(Conflict):
            await store.add(again)
    await store.revoke("ci", NOW)
    await store.add(key(2))
    await store.revoke("ci", NOW + timedelta(hours=1))
    await store.add(key(3))
    assert [each.revoked_at is None for each in await store.every()] == [False, False, True]


async def test_of_many_added_at_once_one_gets_the_name(store: Store) -> None:
    outcomes = await asyncio.gather(*(store.add(key(number)) for number in range(8)), return_exceptions=True)
    assert [type(each) for each in outcomes if each].count(Conflict) == 7
    assert len(await store.every()) == 1


@pytest.mark.parametrize("called", ["ci", "id1"])
async def test_a_key_is_revoked_by_name_or_id_once(store: Store, called: str) -> None:
    await store.add(key())
    await store.add(key(2, "other"))
    revoked = replace(key(), revoked_at=NOW)
    assert await store.revoke(called, NOW) == revoked
    assert await store.find("digest1") == revoked
    assert await store.revoke("id1", NOW + timedelta(days=1)) == revoked
    assert await store.find("digest2") == key(2, "other")
    with pytest.raises(NotFound):
        await store.revoke("ci", NOW)


async def test_an_id_comes_before_a_name(store: Store) -> None:
    await store.add(key(1, "id2"))
    await store.add(key(2, "id1"))
    assert (await store.revoke("id2", NOW)).id == "id2"


async def test_use_is_noted(store: Store) -> None:
    await store.add(key())
    await store.used("id1", NOW)
    assert await store.find("digest1") == replace(key(), used_at=NOW)


HOSTILE = ["$ne", '{"$ne": ""}', "a' OR '1'='1", "*", "", ".", "$where", "x" * 5000, "ä\u2028"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_words_are_only_ever_words(store: Store, text: str) -> None:
    await store.add(key())
    assert await store.find(text) is None
    with pytest.raises(NotFound):
        await store.revoke(text, NOW)
    odd = replace(key(2), name=text, owner=text)
    await store.add(odd)
    assert await store.find("digest2") == odd
    assert (await store.revoke(text, NOW)).id == "id2"
    assert await store.find("digest1") == key()


class TestFile:
    async def test_processes_share_it_and_nobody_else_reads_it(self, tmp_path: Path) -> None:
        path = tmp_path / "state" / "access.sqlite3"
        async with SqliteKeys(path) as one, SqliteKeys(path) as two:
            await one.add(key())
            assert await two.find("digest1") == key()
            await two.revoke("ci", NOW)
            found = await one.find("digest1")
            assert found is not None
            assert found.revoked_at == NOW
            assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}

    async def test_where_it_cannot_be_made_the_start_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(StartRefused, match="cannot be kept"):
            async with SqliteKeys(tmp_path / "link"):
                pass


class TestMongo:
    async def test_a_dump_holds_an_object_for_nobody(self, mongo_uri: str) -> None:
        async with MongoKeys(MongoConnection(mongo_uri, request_seconds=5)) as store:
            await store.add(key())
            async with store._keys() as keys:
                await keys.update_one({"_id": "digest1"}, {"$unset": {"owner": ""}})
            with pytest.raises(StoreFailed, match="form"):
                await store.find("digest1")

    async def test_opening_it_twice_is_harmless(self, mongo_uri: str) -> None:
        for number in (1, 2):
            async with MongoKeys(MongoConnection(mongo_uri, request_seconds=5)) as store:
                await store.add(key(number, f"k{number}"))
                assert len(await store.every()) == number

    async def test_closed_or_killed_it_says_so(self, own_mongo: Server) -> None:
        store = MongoKeys(MongoConnection(own_mongo.address))
        with pytest.raises(StoreFailed, match="not open"):
            await store.find("digest1")
        async with store:
            own_mongo.kill()
            with pytest.raises(StoreFailed):
                await store.find("digest1")

    async def test_what_stands_in_the_way_of_its_indexes_refuses_the_start(self, mongo_uri: str) -> None:
        connection = MongoConnection(mongo_uri, request_seconds=5)
        database = await connection.open()
        await database["api_keys"].insert_many([{"name": "a", "revoked_at": None}, {"name": "a", "revoked_at": None}])
        await connection.close()
        with pytest.raises(DependencyUnreachable, match="keys cannot be kept"):
            async with MongoKeys(MongoConnection(mongo_uri, request_seconds=5)):
                pass

    async def test_no_uri_is_named(self) -> None:
        with pytest.raises(SettingsInvalid, match="MONGODB_URI"):
            async with MongoKeys(MongoConnection("hush")):
                pass
