"""What the port ConversationSearch promises, asked of every implementation."""

from uuid import uuid4

import pytest
from store_builders import Store, exchange, turn

from app.domain.conversations import Found

pytest_plugins = ["live_servers", "store_fixtures"]


async def said(store: Store, *texts: str, owner: str = "ann") -> str:
    """Begin a conversation in which these are said, a message each; return its id."""
    conversation = str(uuid4())
    for text in texts:
        await store.append(owner, conversation, (turn(text),))
    return conversation


async def found(store: Store, query: str, limit: int = 100, owner: str = "ann") -> list[str]:
    """Return the ids found, having seen that the results are what they should be."""
    results = await store.find(owner, query, limit)
    assert len(results) <= max(0, limit)
    assert [one.score for one in results] == sorted((one.score for one in results), reverse=True)
    assert not results or results[0].score == pytest.approx(1.0)
    for one in results:
        await sound(store, one, owner)
    ids = [one.overview.id for one in results]
    assert len(set(ids)) == len(ids)
    return ids


async def sound(store: Store, one: Found, owner: str) -> None:
    assert 0.0 < one.score <= 1.0
    assert one.overview == await store.overview(owner, one.overview.id)
    assert 0 < len(one.snippet) <= 200
    assert all(0 <= start < end <= len(one.snippet) for start, end in one.marks)
    assert [start for start, _ in one.marks] == sorted({start for start, _ in one.marks})


async def test_questions_and_answers_are_searched(store: Store, conversation: str) -> None:
    await store.append("ann", conversation, exchange("My tunnel drops", "Renew the certificate."))
    await said(store, "My printer jams")
    assert await found(store, "tunnel") == [conversation]
    assert await found(store, "certificate") == [conversation]
    assert await found(store, "zebra") == []


async def test_case_does_not_matter(store: Store) -> None:
    conversation = await said(store, "Der DRUCKER in Köln über Outlook")
    for query in ("drucker", "Drucker", "KÖLN", "Über", "outlook"):
        assert await found(store, query) == [conversation]


async def test_nobody_finds_what_another_said(store: Store) -> None:
    mine = await said(store, "the tunnel drops")
    theirs = await said(store, "the tunnel drops", "secret", owner="bob")
    assert await found(store, "tunnel") == [mine]
    assert await found(store, "tunnel", owner="bob") == [theirs]
    assert await found(store, "secret") == []
    for owner in ("", "$ne", "an", "ann ", "ann*", "*"):
        assert await found(store, "tunnel", owner=owner) == []


async def test_all_words_come_before_some(store: Store) -> None:
    one = await said(store, "printer printer printer printer printer")
    both = await said(store, "the printer lost its toner and prints grey pages, although it was filled last week")
    other = await said(store, "toner toner toner")
    await said(store, "outlook")
    ids = await found(store, "printer toner")
    assert ids[0] == both
    assert sorted(ids[1:]) == sorted((one, other))


async def test_words_of_several_messages_are_words_of_one_conversation(store: Store) -> None:
    await said(store, "printer printer")
    both = await said(store, "my printer is broken", "unrelated", "toner was changed")
    await said(store, "toner toner")
    assert (await found(store, "printer toner"))[0] == both


async def test_words_that_are_nowhere_do_not_spoil_the_others(store: Store) -> None:
    conversation = await said(store, "my printer is broken")
    assert await found(store, "printer zebra") == [conversation]


async def test_what_is_said_later_is_found(store: Store) -> None:
    conversation = await said(store, "my printer")
    assert await found(store, "toner") == []
    await store.append("ann", conversation, exchange("out of toner"))
    assert await found(store, "toner") == [conversation]


async def test_the_snippet_shows_a_message_around_the_words(store: Store) -> None:
    await said(store, "nothing here", "before " * 200 + "the certificate expired yesterday " + "after " * 200)
    [one] = await store.find("ann", "certificate", 10)
    if one.marks:
        assert [one.snippet[start:end].casefold() for start, end in one.marks] == ["certificate"]


async def test_the_snippet_is_not_made_of_the_others(store: Store) -> None:
    await said(store, "hello", "my certificate expired", "bye")
    [one] = await store.find("ann", "certificate", 10)
    assert "certificate" in one.snippet
    assert "hello" not in one.snippet
    assert "bye" not in one.snippet


@pytest.mark.parametrize(
    "query",
    [
        '"',
        '"printer',
        "printer OR zebra",
        "printer AND",
        "NOT printer",
        "NEAR(printer zebra, 5)",
        "printer*",
        "-printer",
        "^printer",
        "content:printer",
        "{content}:printer",
        "printer+",
        "(printer",
        "printer; DROP TABLE turns; --",
        '{"$ne": "printer"}',
        "$where printer",
        "printer\0",
        "printer\\",
        "%_printer",
        "rank printer",
        "[printer]",
        "printer 漢字 🙂",
    ],
)
async def test_nothing_in_a_query_is_an_operator(store: Store, query: str) -> None:
    conversation = await said(store, "my printer is broken")
    other = await said(store, "outlook is slow")
    results = await store.find("ann", query, 10)
    ids = {one.overview.id for one in results}
    assert ids <= {conversation}
    assert other not in ids
    assert (await store.overview("ann", conversation)).turns == 1


@pytest.mark.parametrize("query", ["", " ", "\t\n", "!!!", "***", '""', "🙂", "\0", "( )"])
async def test_a_query_without_words_finds_nothing(store: Store, query: str) -> None:
    await said(store, "my printer is broken")
    assert await found(store, query) == []


async def test_a_long_query_is_answered(store: Store) -> None:
    conversation = await said(store, "my printer is broken")
    await found(store, " ".join(f"word{number}" for number in range(3000)))
    assert await found(store, "printer " * 1000) == [conversation]
    assert await found(store, "x" * 100_000) == []


@pytest.mark.parametrize(("limit", "expected"), [(-1, 0), (0, 0), (1, 1), (2, 2), (9, 3)])
async def test_the_limit_keeps_the_best(store: Store, limit: int, expected: int) -> None:
    await said(store, "printer")
    await said(store, "toner")
    both = await said(store, "printer toner")
    ids = await found(store, "printer toner", limit)
    assert len(ids) == expected
    assert ids[:1] == [both][:expected]


async def test_titles_and_ids_are_not_words_that_were_said(store: Store, conversation: str) -> None:
    await store.create("ann", conversation, "zebra")
    await store.append("ann", conversation, exchange("My tunnel drops"))
    assert await found(store, "zebra") == []
    assert await found(store, conversation) == []
