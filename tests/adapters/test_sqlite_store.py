"""The embedded store: its file, its schema, and what it does when SQLite cannot."""

import asyncio
import contextlib
import sqlite3
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import sqlite_files
from app.adapters.stores import sqlite_schema, sqlite_worker
from app.adapters.stores.sqlite_store import SqliteStore
from app.domain.conversations import Role, Turn
from app.errors import NotFound, StartRefused, StoreFailed
from app.sqlite_files import writing

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def turn(message_id: str, content: str = "My VPN drops") -> Turn:
    return Turn(message_id, Role.USER, content, NOON)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def put(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "conversations.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(path) as opened:
        yield opened


async def test_a_conversation_is_one_row_that_grows_and_numbered_turns(path: Path) -> None:
    moments = iter((NOON, NOON.replace(hour=13), NOON.replace(hour=14)))
    async with SqliteStore(path, clock=lambda: next(moments)) as store:
        await store.append("ann", "c", (turn("1", "one\0"), turn("2", "two")))
        await store.append("ann", "c", (turn("3", "three"),))
        await store.append("ann", "c", (turn("3", "three"),))
    assert rows(path, "SELECT user_id, bytes, created_at, updated_at FROM conversations") == [
        ("ann", 12, "2026-03-01T12:00:00.000+00:00", "2026-03-01T13:00:00.000+00:00")
    ]
    assert rows(path, "SELECT * FROM conversation_texts") == [("c", "ann", "one\0\ntwo\nthree\n")]
    places = [((1 << 18) + number, str(number)) for number in (1, 2, 3)]
    assert rows(path, "SELECT place, message_id FROM turns ORDER BY place") == places


async def test_commits_wait_for_the_disk(store: SqliteStore) -> None:
    def pragmas(connection: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await store._worker.run(pragmas) == ["wal", 2, 1, 1]


async def test_nobody_else_on_the_machine_reads_the_file(store: SqliteStore, path: Path) -> None:
    await store.append("ann", "c", (turn("1"),))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"conversations.db": 0o600, "conversations.db-wal": 0o600, "conversations.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_opening_again_finds_everything_and_changes_nothing(path: Path) -> None:
    async with SqliteStore(path) as store:
        await store.append("ann", "c", (turn("1"),))
    schema = rows(path, "SELECT name, sql FROM sqlite_master ORDER BY name")
    async with SqliteStore(path) as store:
        assert await store.history("ann", "c", 5) == (turn("1"),)
    assert rows(path, "SELECT name, sql FROM sqlite_master ORDER BY name") == schema
    assert rows(path, "PRAGMA user_version") == [(len(sqlite_schema.STEPS),)]


async def test_an_older_file_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SqliteStore(path) as store:
        await store.append("ann", "c", (turn("1"),))
    newer = (*sqlite_schema.STEPS, ("CREATE TABLE added (name TEXT) STRICT",))
    monkeypatch.setattr(sqlite_schema, "STEPS", newer)
    async with SqliteStore(path) as store:
        assert await store.history("ann", "c", 5) == (turn("1"),)
    assert rows(path, "PRAGMA user_version") == [(len(newer),)]
    assert rows(path, "SELECT count(*) FROM added") == [(0,)]


async def test_a_step_that_fails_leaves_the_older_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SqliteStore(path):
        pass
    broken = (*sqlite_schema.STEPS, ("CREATE TABLE added (name TEXT) STRICT", "CREATE TABLE turns (name TEXT)"))
    monkeypatch.setattr(sqlite_schema, "STEPS", broken)
    with pytest.raises(StartRefused):
        await SqliteStore(path).open()
    assert rows(path, "PRAGMA user_version") == [(len(broken) - 1,)]
    assert rows(path, "SELECT name FROM sqlite_master WHERE name = 'added'") == []


async def test_many_may_start_at_once(path: Path) -> None:
    stores = [SqliteStore(path) for _ in range(8)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(store.append("ann", "c", (turn(str(n)),)) for n, store in enumerate(stores)))
    kept = await stores[0].history("ann", "c", 100)
    assert sorted(one.id for one in kept) == [str(number) for number in range(8)]
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_new_file_that_is_locked_is_waited_for_a_while(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_worker, "_PRAGMAS", ("PRAGMA busy_timeout = 1",))
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(sqlite_files, "_START_SECONDS", 0.05)
    with pytest.raises(StartRefused, match="locked"):
        await SqliteStore(path).open()
    monkeypatch.setattr(sqlite_files, "_START_SECONDS", 5.0)
    asyncio.get_running_loop().call_later(0.05, other.close)
    async with SqliteStore(path) as store:
        await store.ping()


async def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    async with SqliteStore(path):
        pass
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StartRefused, match="newer version"):
        await SqliteStore(path).open()


async def test_what_is_no_database_is_refused(path: Path) -> None:
    put(path, "these are notes, not a database" * 100)
    with pytest.raises(StartRefused, match="cannot be kept") as refused:
        await SqliteStore(path).open()
    assert "STATE_DIR" in refused.value.remedy
    assert isinstance(refused.value.__cause__, sqlite3.DatabaseError)


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "state", "a file in the way")
    with pytest.raises(StartRefused):
        await SqliteStore(tmp_path / "state" / "conversations.db").open()


async def test_unless_open_every_call_fails(path: Path) -> None:
    store = SqliteStore(path)
    with pytest.raises(StoreFailed):
        await store.ping()
    await store.open()
    await store.ping()
    await store.close()
    await store.close()
    with pytest.raises(StoreFailed):
        await store.append("ann", "c", (turn("1"),))


async def test_text_that_cannot_be_encoded_fails_and_leaves_nothing(store: SqliteStore) -> None:
    with pytest.raises(StoreFailed):
        await store.append("ann", "c", (turn("1"), turn("2", "half a pair: \ud83d")))
    with pytest.raises(NotFound):
        await store.history("ann", "c", 10)


async def test_a_message_id_of_another_conversation_fails_and_leaves_nothing(store: SqliteStore) -> None:
    await store.append("ann", "c", (turn("1"),))
    with pytest.raises(StoreFailed) as failed:
        await store.append("ann", "d", (turn("2"), turn("1")))
    assert isinstance(failed.value.__cause__, sqlite3.IntegrityError)
    with pytest.raises(NotFound):
        await store.history("ann", "d", 10)


async def test_a_file_that_another_process_holds_fails_and_recovers(store: SqliteStore, path: Path) -> None:
    await store._worker.run(lambda connection: connection.execute("PRAGMA busy_timeout = 10"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFailed):
        await store.append("ann", "c", (turn("1"),))
    with pytest.raises(StoreFailed):
        await store.ping()
    other.execute("ROLLBACK")
    other.close()
    await store.append("ann", "c", (turn("1"),))
    assert await store.history("ann", "c", 5) == (turn("1"),)


def test_an_error_that_ended_the_transaction_already_comes_through() -> None:
    def end_and_fail(connection: sqlite3.Connection) -> None:
        with writing(connection):
            connection.execute("ROLLBACK")
            raise ZeroDivisionError

    connection = sqlite3.connect(":memory:", isolation_level=None)
    with contextlib.closing(connection), pytest.raises(ZeroDivisionError):
        end_and_fail(connection)


async def test_a_full_disk_fails_and_leaves_what_was_there(store: SqliteStore) -> None:
    await store.append("ann", "c", (turn("1"),))
    await store._worker.run(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchone())
    with pytest.raises(StoreFailed):
        await store.append("ann", "c", (turn("2", "x" * 1_000_000),))
    assert await store.history("ann", "c", 5) == (turn("1"),)


def test_more_messages_than_places_cannot_be_allowed(path: Path) -> None:
    with pytest.raises(ValueError, match="262143"):
        SqliteStore(path, most_turns=300_000)


async def test_any_start_of_an_id_or_title_is_kept_apart(store: SqliteStore) -> None:
    for name in ("c", "c ", "C", "c\0", "ç"):
        await store.create("ann", name, name)
    assert {one.id: one.title for one in await store.page("ann", 10)} == {
        name: name for name in ("c", "c ", "C", "c\0", "ç")
    }
