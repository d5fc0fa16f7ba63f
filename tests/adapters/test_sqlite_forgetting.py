"""What was taken away is not in the files any more, neither as text nor as words of the search index."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlite_agreement import agree
from store_builders import attachment, exchange

from app.adapters.stores import sqlite_index
from app.adapters.stores.sqlite_store import SqliteStore
from app.domain.conversations import Summary

SECRET = "geheimnis"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conversations.db"


@pytest.fixture
async def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteStore]:
    monkeypatch.setattr(sqlite_index, "_PAUSE_SECONDS", 0.0)
    async with SqliteStore(path) as opened:
        opened._sweeper._rest = 0.0
        yield opened


def left(path: Path) -> set[str]:
    """Return the files in which something of the secret stands; the index has no word's first letters twice."""
    return {file.name for file in path.parent.iterdir() if SECRET[3:].encode() in file.read_bytes().lower()}


async def fill(store: SqliteStore, name: str, word: str) -> None:
    turns = exchange(f"Mein {word} ist 1234", f"Nie das {word} verraten")
    await store.append("ann", name, turns)
    await store.rename("ann", name, "Titel")
    await store.keep_summary("ann", name, Summary(f"Ein {word}.", turns[1].id))
    await store.attach("ann", name, attachment(f"{word}.txt", f"das {word}"))


async def swept(store: SqliteStore) -> None:
    async with asyncio.timeout(10):
        assert store._sweeper._task is not None
        await asyncio.wait([store._sweeper._task])


@pytest.mark.parametrize("way", ["reset", "delete", "erase", "expire"])
async def test_nothing_of_it_is_left(store: SqliteStore, path: Path, way: str) -> None:
    for number in range(30):
        await fill(store, f"c{number}", SECRET if number == 7 else "Drucker")
    assert left(path)
    if way == "erase":
        await store.erase("ann")
    elif way == "expire":
        await store.expire(store._clock(), 1000)
    else:
        await getattr(store, way)("ann", "c7")
    await swept(store)
    assert left(path) == set()
    others = 0 if way in ("erase", "expire") else 29
    assert len(await store.find("ann", "Drucker", 100)) == others
    agree(path)


async def test_nothing_of_an_attachment_is_left(store: SqliteStore, path: Path) -> None:
    secret = attachment(f"{SECRET}.txt", f"das {SECRET}")
    await store.attach("ann", "c", secret)
    await fill(store, "d", "Drucker")
    assert left(path)
    await store.detach("ann", "c", secret.id)
    assert left(path) == set()


async def test_a_large_index_is_swept_in_steps_while_others_write(store: SqliteStore, path: Path) -> None:
    text = " ".join(f"wort{number}" for number in range(400))
    for number in range(60):
        await fill(store, f"c{number}", SECRET if number == 7 else f"Drucker {number} {text}")
    store._sweeper._rest = 0.05
    await store.delete("ann", "c7")
    for number in range(60, 90):
        await fill(store, f"c{number}", f"Drucker {number}")
    await swept(store)
    assert left(path) == set()
    assert len(await store.find("ann", "Drucker", 100)) == 89
    agree(path)


async def test_what_was_not_swept_is_swept_by_the_next_to_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_index, "overwrites", lambda: False)
    async with SqliteStore(path) as store:
        for number in range(10):
            await fill(store, f"c{number}", SECRET if number == 7 else "Drucker")
        await store.delete("ann", "c7")
    monkeypatch.setattr(sqlite_index.Sweeper.__init__, "__defaults__", (0.0,))
    async with SqliteStore(path) as store:
        await swept(store)
        assert await store._worker.read(sqlite_index._last_mark) == 0
    assert left(path) == set()


async def test_a_sweep_that_fails_is_not_forgotten(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_index, "overwrites", lambda: False)

    def broken(connection: sqlite3.Connection) -> bool:
        raise sqlite3.OperationalError("disk I/O error")

    await fill(store, "c", SECRET)
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_index, "_begin", broken)
        await store.delete("ann", "c")
        await swept(store)
    assert "not swept" in caplog.text
    await fill(store, "d", "Drucker")
    await store.reset("ann", "d")
    await swept(store)
    assert await store._worker.read(sqlite_index._last_mark) == 0
    assert left(path) == set()


async def test_an_index_that_only_a_newer_sqlite_reads_is_made_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_index, "overwrites", lambda: False)
    async with SqliteStore(path) as store:
        await fill(store, "c", "Drucker")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("REPLACE INTO words_config (k, v) VALUES ('secure-delete', 1)")
    connection.execute("UPDATE words_config SET v = 5 WHERE k = 'version'")
    connection.close()
    async with SqliteStore(path) as store:
        assert len(await store.find("ann", "Drucker", 10)) == 1
    agree(path)


async def test_the_log_is_emptied_another_time_where_it_cannot_be(
    store: SqliteStore, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database is locked")

    await fill(store, "c", SECRET)
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_index, "empty_log", broken)
        await store.delete("ann", "c")
    assert "not emptied" in caplog.text
    await fill(store, "d", "Drucker")
    await store.delete("ann", "d")
    await swept(store)
    assert left(path) == set()
