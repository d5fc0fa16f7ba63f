"""What every store of sessions does: memory, a file, Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from server_processes import Server

from app.adapters.access.memory import MemorySessions
from app.adapters.access.redis_sessions import RedisSessions
from app.adapters.access.sqlite_sessions import SqliteSessions
from app.domain.identities import Session
from app.errors import StartRefused, StoreFailed
from app.ports.access import SessionStore

pytest_plugins = ["live_servers"]

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=1)


def session(name: str = "one", owner: str = "me", digest: str = "d1") -> Session:
    return Session(name, owner, digest, NOW, NOW + timedelta(microseconds=1), NOW, previous="d0", key="k")


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield MemorySessions()
        elif request.param == "sqlite":
            yield await stack.enter_async_context(SqliteSessions(tmp_path / "deep" / "sessions.sqlite3"))
        else:
            server: Server = request.getfixturevalue("redis_server")
            yield await stack.enter_async_context(RedisSessions(server.address, f"{tmp_path}:"))


async def test_a_session_is_kept_as_it_is(store: SessionStore) -> None:
    assert await store.get("one") is None
    assert await store.put(session(), LATER)
    assert await store.get("one") == session()


async def test_it_is_replaced_only_where_it_is_the_one_that_was_read(store: SessionStore) -> None:
    assert not await store.put(session(), LATER, over="d1")
    assert await store.get("one") is None
    await store.put(session(), LATER)
    changed = replace(session(), digest="d2", previous="d1", rotated_at=LATER)
    assert await store.put(changed, LATER, over="d1")
    assert not await store.put(session(), LATER, over="d1")
    assert await store.get("one") == changed


async def test_of_many_who_replace_it_at_once_one_does(store: SessionStore) -> None:
    await store.put(session(), LATER)
    changes = [replace(session(), digest=f"x{number}") for number in range(6)]
    kept = await asyncio.gather(*(store.put(change, LATER, over="d1") for change in changes))
    assert sum(kept) == 1
    assert await store.get("one") == changes[kept.index(True)]


async def test_what_was_removed_is_not_brought_back(store: SessionStore) -> None:
    await store.put(session(), LATER)
    await store.remove("one")
    await store.remove("one")
    assert await store.get("one") is None
    assert not await store.put(session(), LATER, over="d1")
    assert await store.get("one") is None


async def test_all_of_an_owner_and_of_nobody_else(store: SessionStore) -> None:
    for name in ("one", "two", "three"):
        await store.put(session(name), LATER)
    await store.put(session("other", owner="you"), LATER)
    await store.remove("two")
    await store.remove_owner("me")
    await store.remove_owner("nobody")
    assert [await store.get(name) for name in ("one", "two", "three")] == [None] * 3
    assert await store.get("other") == session("other", owner="you")


async def test_what_has_ended_is_gone(store: SessionStore) -> None:
    await store.put(session(), datetime.now(UTC) + timedelta(seconds=0.2))
    await store.put(session("two"), LATER)
    await asyncio.sleep(0.25)
    assert await store.get("one") is None
    assert await store.get("two") == session("two")


HOSTILE = ["$ne", '{"$ne": ""}', "a'; DROP TABLE sessions; --", "*", "", "x" * 5000, "ä\u2028\0", "a b\r\nDEL x"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_names_are_only_ever_names(store: SessionStore, text: str) -> None:
    await store.put(session(), LATER)
    assert await store.get(text) is None
    await store.remove(text)
    await store.remove_owner(text)
    assert not await store.put(session(text), LATER, over=text)
    assert await store.get("one") == session()
    await store.put(session(text, owner=text), LATER)
    assert await store.get(text) == session(text, owner=text)


class TestFile:
    async def test_processes_share_it_and_nobody_else_reads_it(self, tmp_path: Path) -> None:
        path = tmp_path / "state" / "sessions.sqlite3"
        async with SqliteSessions(path) as one, SqliteSessions(path) as two:
            await one.put(session(), LATER)
            assert await two.get("one") == session()
            await two.remove_owner("me")
            assert await one.get("one") is None
            modes = {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        assert modes == {0o600}
        assert path.parent.stat().st_mode & 0o777 == 0o700

    async def test_it_does_not_grow_by_what_has_ended(self, tmp_path: Path) -> None:
        path = tmp_path / "sessions.sqlite3"
        async with SqliteSessions(path) as store:
            for number in range(50):
                await store.put(session(f"s{number}"), NOW - timedelta(seconds=1))
            held = await store._file.run(lambda link: link.execute("SELECT count(*) FROM sessions").fetchone())
        assert held == (0,)

    async def test_where_it_cannot_be_made_the_start_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        (tmp_path / "damaged").write_bytes(b"no database, but long enough to be taken for one" * 10)
        for path in (tmp_path / "file" / "sessions.sqlite3", tmp_path / "damaged"):
            with pytest.raises(StartRefused, match="cannot be kept"):
                async with SqliteSessions(path):
                    pass

    async def test_a_file_of_a_newer_version_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "sessions.sqlite3"
        async with SqliteSessions(path) as store:
            await store._file.run(lambda link: link.execute("PRAGMA user_version = 99"))
        with pytest.raises(StartRefused, match="newer version"):
            async with SqliteSessions(path):
                pass

    async def test_faults_are_told_in_our_words(self, tmp_path: Path) -> None:
        store = SqliteSessions(tmp_path / "sessions.sqlite3")
        with pytest.raises(StoreFailed, match="not open"):
            await store.get("one")
        async with store:
            with pytest.raises(StoreFailed, match="UnicodeEncodeError"):
                await store.get("\ud800")
            await store._file.run(lambda link: link.execute("DROP TABLE sessions"))
            with pytest.raises(StoreFailed, match="OperationalError"):
                await store.get("one")
        await store._file.close()
