"""What the MongoDB store's search does beyond what every store promises: with a text index, and without."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from server_processes import Server
from store_builders import NOON, Clock, exchange, turn

from app.adapters.stores import mongo_search
from app.adapters.stores.excerpts import words_of
from app.adapters.stores.mongo_documents import created
from app.adapters.stores.mongo_store import MongoStore
from app.adapters.stores.mongo_words import pattern, snippet

pytest_plugins = ["live_servers"]


@pytest.fixture
async def indexed(text_mongo: Server) -> AsyncIterator[MongoStore]:
    """Return a store on a server with text indexes; it makes no updates by pipeline, so that nothing is appended."""
    async with MongoStore(f"{text_mongo.address}/t{uuid4().hex}") as store:
        assert store.text_search
        yield store


async def said(store: MongoStore, text: str, owner: str = "ann") -> str:
    conversation = str(uuid4())
    async with store._connection.request() as collections:
        await collections.conversations.insert_one(created(owner, conversation, (turn(text),), NOON, text[:20]))
    return conversation


async def ids(store: MongoStore, query: str, limit: int = 10, owner: str = "ann") -> list[str]:
    return [one.overview.id for one in await store.find(owner, query, limit)]


async def test_the_index_finds_all_words_first_and_nobody_elses(
    indexed: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await said(indexed, "printer printer printer")
    both = await said(indexed, "the printer is out of toner")
    await said(indexed, "outlook is slow")
    await said(indexed, "printer toner", owner="bob")
    monkeypatch.setattr(mongo_search, "_scanned", nothing)
    found = await indexed.find("ann", "printer toner", 10)
    assert found[0].overview.id == both
    assert {result.overview.id for result in found} <= {one, both}
    assert found[0].score == 1.0
    assert [found[0].snippet[start:end] for start, end in found[0].marks] == ["printer", "toner"]
    assert await ids(indexed, "printer toner", limit=1) == [both]
    assert await ids(indexed, '-printer "toner') == [result.overview.id for result in found]


async def nothing(*_: Any) -> list[Any]:
    return []


async def test_what_the_index_does_not_know_is_looked_for_word_by_word(indexed: MongoStore) -> None:
    conversation = await said(indexed, "打印机卡纸了")
    assert await ids(indexed, "卡纸") == [conversation]
    assert await ids(indexed, "zebra") == []


async def test_a_conversation_that_goes_while_it_is_found_is_left_out(
    mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with MongoStore(mongo_uri) as store:
        await store.append("ann", "c", exchange("My printer jams"))
        found = mongo_search._scanned

        async def found_and_gone(*given: Any) -> Any:
            candidates = await found(*given)
            await store.delete("ann", "c")
            return candidates

        monkeypatch.setattr(mongo_search, "_scanned", found_and_gone)
        assert await store.find("ann", "printer", 5) == ()


async def test_word_by_word_only_the_newest_are_looked_through(mongo_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_search, "_SCANNED", 2)
    clock = Clock()
    async with MongoStore(mongo_uri, clock=clock) as store:
        for name in "abc":
            clock.now += timedelta(minutes=1)
            await store.append("ann", name, exchange("My printer jams"))
        assert await ids(store, "printer") == ["c", "b"]


async def test_more_words_beat_more_often_and_newer_beats_older(mongo_uri: str) -> None:
    clock = Clock()
    async with MongoStore(mongo_uri, clock=clock) as store:
        for name, text in (("a", "toner printer"), ("b", "toner " * 50), ("c", "toner"), ("d", "toner")):
            clock.now += timedelta(minutes=1)
            await store.append("ann", name, (turn(text),))
        assert await ids(store, "printer toner") == ["a", "b", "d", "c"]


@pytest.mark.parametrize(
    ("query", "text", "shown"),
    [
        ("print ", "two printers, one print", ["print"]),
        ("print", "two printers, one print", ["printers", "print"]),
        ("ip", "the IP of my iPhone", ["IP"]),
        ("0x80070005", "error 0x80070005.", ["0x80070005"]),
        ("ÜBER", "über uns", ["über"]),
        ("koln munchen", "von KÖLN nach München", ["KÖLN", "München"]),
        ("Köln", "von Koln", ["Koln"]),
        ("卡纸", "打印机卡纸了", []),
        ("a+b (c", "a b c", ["a", "b", "c"]),
        ("vpn-error", "the VPN  error", ["VPN", "error"]),
        ("x" * 100, "x" * 100, ["x" * 100]),
        (" ".join(chr(one) * 150 for one in range(97, 113)), "a" * 150, ["a" * 150]),
    ],
)
async def test_server_and_client_read_words_alike(mongo_uri: str, query: str, text: str, shown: list[str]) -> None:
    async with MongoStore(mongo_uri) as store:
        await store.append("ann", "c", (turn(text),))
        (found,) = await store.find("ann", query, 5)
    assert [found.snippet[start:end] for start, end in found.marks] == shown


@pytest.mark.parametrize("letter", "abcdefghijklmnopqrstuvwxyz")
def test_no_word_makes_a_pattern_longer_than_servers_take(letter: str) -> None:
    (word,) = words_of(letter * 1000)
    assert len(pattern(word)) < 1000


def test_a_snippet_is_of_the_message_that_shows_most() -> None:
    text, marks = snippet(words_of("printer toner"), ["printer", "toner in the printer", "toner"])
    assert text == "toner in the printer"
    assert [text[start:end] for start, end in marks] == ["toner", "printer"]
    assert snippet(words_of("zebra"), ["My printer jams"]) == ("My printer jams", ())
