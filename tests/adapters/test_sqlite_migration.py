"""Files of earlier versions: what they hold is there afterwards, and can be listed, searched and continued."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_agreement import agree

from app.adapters.stores import sqlite_schema
from app.adapters.stores.sqlite_store import SqliteStore
from app.domain.answers import Citation
from app.domain.conversations import Role, Summary, Turn
from app.errors import Conflict, StartRefused

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAMP = "2026-03-01T{}:00:00.000+00:00"
ODD = "Ärger\0 mit\n🙂"


def said(owner: str, number: int, content: str) -> Turn:
    return Turn(f"{owner} {number}", Role.USER if number % 2 else Role.ASSISTANT, content, NOON.replace(hour=number))


TURNS = {
    "ann": (said("ann", 1, "My VPN drops"), said("ann", 2, ODD), said("ann", 3, "Danke, der Tunnel steht")),
    "bob": (said("bob", 1, "my VPN drops too"),),
}


def older(path: Path, version: int) -> None:
    """Write a file as the service of that schema version did."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in (line for step in sqlite_schema.STEPS[:version] for line in step):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")
    for hour, (owner, turns) in enumerate(TURNS.items(), 10):
        text = "".join(f"{one.content}\n" for one in turns)
        name = f"of {owner}"
        moments = (STAMP.format(hour), STAMP.format(hour + 5))
        connection.execute(
            "INSERT INTO conversations (conversation_id, user_id, conversation_text, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, ?)",
            (name, owner, text, *moments),
        )
        for seq, one in enumerate(turns, 1):
            moment = STAMP.format(f"{one.created_at.hour:02}")
            row = (name, seq, one.id, one.role.value, one.content, moment, None)
            connection.execute("INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    if version > 1:
        connection.execute("UPDATE conversations SET summary = 'drops', summary_until = 'ann 1' WHERE user_id = 'ann'")
    connection.execute(
        "INSERT INTO conversations (conversation_id, user_id, conversation_text, created_at, updated_at)"
        " VALUES ('empty', 'ann', '', ?, ?)",
        (STAMP.format("09"), STAMP.format("09")),
    )
    connection.close()


@pytest.mark.parametrize("version", [1, 2])
async def test_what_an_older_file_holds_is_there(tmp_path: Path, version: int) -> None:
    path = tmp_path / "conversations.db"
    older(path, version)
    async with SqliteStore(path) as store:
        for owner, turns in TURNS.items():
            assert await store.history(owner, f"of {owner}", 10) == turns
        summary = await store.summary("ann", "of ann")
        assert summary == (Summary("drops", "ann 1") if version > 1 else None)
        assert await store.summary("bob", "of bob") is None
        first, second = await store.page("ann", 10)
        assert (first.id, first.title, first.turns) == ("of ann", "My VPN drops", 3)
        assert (first.created_at, first.updated_at) == (NOON.replace(hour=10), NOON.replace(hour=15))
        assert (second.id, second.title, second.turns) == ("empty", "", 0)


@pytest.mark.parametrize("version", [1, 2])
async def test_what_an_older_file_holds_can_be_found_and_continued(tmp_path: Path, version: int) -> None:
    path = tmp_path / "conversations.db"
    older(path, version)
    more = said("ann", 4, "Der Tunnel ist wieder weg")
    async with SqliteStore(path, most_bytes=200) as store:
        assert [one.overview.id for one in await store.find("ann", "VPN", 10)] == ["of ann"]
        assert [one.overview.id for one in await store.find("ann", "ärger", 10)] == ["of ann"]
        assert [one.overview.id for one in await store.find("bob", "VPN", 10)] == ["of bob"]
        await store.append("ann", "of ann", (*TURNS["ann"], more))
        assert await store.history("ann", "of ann", 10) == (*TURNS["ann"], more)
        await store.delete("bob", "of bob")
        assert await store.find("bob", "VPN", 10) == ()
    agree(path)


def of_version_three(path: Path) -> None:
    """Write a file as the service of that schema version did, with gaps where conversations were taken away."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in (line for step in sqlite_schema.STEPS[:3] for line in step):
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 3")
    for no, (owner, turns) in enumerate(TURNS.items(), 5):
        size = sum(len(one.content.encode()) for one in turns)
        row = (2 * no, f"of {owner}", owner, f"Title of {owner}", size, "drops", "ann 1", *[STAMP.format(10)] * 2)
        connection.execute("INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        for seq, one in enumerate(turns, 1):
            cited = '[{"number": 1, "document_id": "d", "passage_id": "d#0", "title": "D", "quote": "q"}]'
            row = (2 * no << 18 | seq, one.id, one.role.value, one.content, STAMP.format(10), "answered", cited)
            connection.execute("INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        for seq in (3 * no, 3 * no + 1):
            row = (seq, 2 * no, f"file {seq}", "file", f"{owner}.log", '["timeout"]', STAMP.format(11))
            connection.execute("INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.close()


async def test_a_file_of_version_three_keeps_all_and_lets_ids_be_had_by_others(tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    of_version_three(path)
    cited = (Citation(1, "d", "d#0", "D", "q"),)
    async with SqliteStore(path) as store:
        for owner, turns in TURNS.items():
            kept = tuple(
                replace(one, created_at=NOON.replace(hour=10), outcome="answered", citations=cited) for one in turns
            )
            assert await store.history(owner, f"of {owner}", 10) == kept
            assert await store.summary(owner, f"of {owner}") == Summary("drops", "ann 1")
            assert [one.title for one in await store.page(owner, 10)] == [f"Title of {owner}"]
            assert [one.passages for one in await store.attachments(owner, f"of {owner}")] == [("timeout",)] * 2
            assert [one.overview.id for one in await store.find(owner, "VPN", 10)] == [f"of {owner}"]
        with pytest.raises(Conflict):
            await store.create("ann", "of ann", "")
        await store.append("bob", "of ann", (said("bob", 9, "My printer jams"),))
        assert (await store.overview("ann", "of ann")).turns == 3
        assert await store.find("ann", "printer", 10) == ()
        await store.delete("ann", "of ann")
        assert await store.find("ann", "VPN", 10) == ()
        assert [one.overview.id for one in await store.find("bob", "printer", 10)] == ["of ann"]
    agree(path)


async def test_a_migration_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "conversations.db"
    of_version_three(path)
    with monkeypatch.context() as patch:
        *before, last = sqlite_schema.STEPS
        patch.setattr(sqlite_schema, "STEPS", (*before, (*last, "SELECT no_such_column FROM turns")))
        with pytest.raises(StartRefused):
            await SqliteStore(path).open()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    connection.close()
    async with SqliteStore(path) as store:
        assert len(await store.history("ann", "of ann", 10)) == 3
    agree(path)


async def test_the_search_index_tells_when_it_does_not_agree(tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    older(path, 2)
    async with SqliteStore(path):
        pass
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TRIGGER turn_removed")
    connection.execute("DELETE FROM turns WHERE message_id = 'bob 1'")
    with pytest.raises(sqlite3.DatabaseError):
        connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    connection.close()
