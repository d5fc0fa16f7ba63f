"""What the embedded search does beyond what every store's does: word forms, windows, order."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from store_builders import Clock, turn

from app.adapters.stores import sqlite_search
from app.adapters.stores.sqlite_store import SqliteStore
from app.errors import StoreFailed


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(tmp_path / "conversations.db", clock=Clock()) as opened:
        yield opened


async def say(store: SqliteStore, name: str, *texts: str, owner: str = "ann") -> None:
    await store.append(owner, name, [turn(text) for text in texts])


async def found(store: SqliteStore, query: str, owner: str = "ann") -> list[str]:
    return [one.overview.id for one in await store.find(owner, query, 100)]


@pytest.mark.parametrize(
    "query", ["ÜBERPRÜFEN", "uberprufen", "Überprüf", "kuche", "CAFÉ", "cafe", "漢字", "809", "0x8"]
)
async def test_marks_and_case_do_not_matter_and_the_last_word_may_be_begun(store: SqliteStore, query: str) -> None:
    await say(store, "c", "Überprüfen in der Küche: Café, 漢字検索, error 809 (0x80070005)")
    assert await found(store, query) == ["c"]


@pytest.mark.parametrize("query", ["print vpn", "prin ", "inter", "pr", "jammed printer-x"])
async def test_other_words_are_whole(store: SqliteStore, query: str) -> None:
    await say(store, "c", "printer")
    assert await found(store, query) == []


async def test_joined_words_are_found_together(store: SqliteStore) -> None:
    await say(store, "apart", "e and a mail")
    await say(store, "joined", "my e-mail")
    assert await found(store, "e-mail") == ["joined"]
    assert sorted(await found(store, "e mail")) == ["apart", "joined"]


async def test_compound_words_are_found_by_their_beginning(store: SqliteStore) -> None:
    await say(store, "c", "Die Druckerwarteschlange der Netzwerkdrucker")
    assert await found(store, "drucker") == ["c"]
    assert await found(store, "netzwerk") == ["c"]
    (one,) = await store.find("ann", "drucker", 1)
    assert [one.snippet[start:end] for start, end in one.marks] == ["Druckerwarteschlange"]


async def test_of_equals_the_newest_is_first(store: SqliteStore) -> None:
    for number in range(5):
        await say(store, f"c{number}", "my printer")
    assert await found(store, "printer") == [f"c{number}" for number in (4, 3, 2, 1, 0)]


async def test_words_said_together_and_often_are_better(store: SqliteStore) -> None:
    await say(store, "together", "printer toner")
    await say(store, "often", "printer", "toner", "printer", "toner")
    await say(store, "apart", "printer", "toner")
    await say(store, "one", "printer", "printer", "printer")
    assert await found(store, "printer toner") == ["together", "often", "apart", "one"]


async def test_the_rarer_word_counts_more(store: SqliteStore) -> None:
    for number in range(20):
        await say(store, f"c{number}", "printer")
    await say(store, "rare", "toner")
    await say(store, "new", "printer")
    assert (await found(store, "printer toner"))[0] == "rare"


async def test_the_snippet_is_of_the_message_with_most_words(store: SqliteStore) -> None:
    await say(store, "c", "printer", "a printer without toner", "toner")
    (one,) = await store.find("ann", "printer toner", 1)
    assert one.snippet == "a printer without toner"


async def test_common_words_are_found_in_old_conversations_too(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_search, "_WINDOW", 10)
    await say(store, "together", "the old printer has no toner")
    await say(store, "apart", "toner again", "x", "Printer!")
    await say(store, "toner", "toner")
    for number in range(30):
        await say(store, f"c{number}", "the printer")
    assert (await found(store, "printer toner"))[:3] == ["together", "apart", "toner"]
    assert (await found(store, "printer zebra"))[0] == "c29"
    assert len(await found(store, "printer")) == 10


async def test_a_word_that_is_often_said_is_not_taken_for_a_beginning(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_search, "_OFTEN", 3)
    await say(store, "begun", "mailbox")
    for number in range(3):
        assert "begun" in await found(store, "mail")
        await say(store, f"c{number}", "mail")
    assert "begun" not in await found(store, "mail")
    assert "begun" in await found(store, "mailb")


@pytest.mark.parametrize("length", [10, 40_000])
async def test_owners_with_names_that_begin_alike_do_not_meet(store: SqliteStore, length: int) -> None:
    await say(store, "mine", "printer", owner="x" * length + "1")
    await say(store, "yours", "printer", owner="x" * length + "2")
    assert await found(store, "printer", "x" * length + "1") == ["mine"]
    assert await found(store, "printer", "x" * length) == []


async def test_an_owner_is_no_word_that_was_said(store: SqliteStore) -> None:
    await say(store, "c", "printer")
    assert await found(store, "u616e6e") == []
    assert await found(store, "owner:u616e6e") == []


async def test_what_cannot_be_encoded_fails(store: SqliteStore) -> None:
    with pytest.raises(StoreFailed):
        await store.find("ann", "half a pair \ud83da", 10)
