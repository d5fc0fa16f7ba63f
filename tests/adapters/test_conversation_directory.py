"""What the port ConversationDirectory promises, asked of every implementation."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from store_builders import NOON, Clock, Store, exchange, turn

from app.domain.conversations import Overview, Position, Role
from app.errors import Conflict, NotFound

pytest_plugins = ["live_servers", "store_fixtures"]


async def made(store: Store, clock: Clock, count: int, owner: str = "ann") -> list[str]:
    """Create conversations a minute apart; return their ids, newest first."""
    ids = []
    for _ in range(count):
        clock.move(1)
        ids.append(str(uuid4()))
        await store.create(owner, ids[-1], "")
    return ids[::-1]


async def listed(store: Store, limit: int, owner: str = "ann") -> list[str]:
    """Walk through all pages."""
    ids: list[str] = []
    after = None
    while page := await store.page(owner, limit, after):
        assert len(page) <= limit
        ids.extend(one.id for one in page)
        after = Position(page[-1].created_at, page[-1].id)
    return ids


async def test_a_conversation_is_created_empty(store: Store, conversation: str) -> None:
    expected = Overview(conversation, "VPN at home", NOON, NOON, 0)
    assert await store.create("ann", conversation, "VPN at home") == expected
    assert await store.overview("ann", conversation) == expected
    assert await store.history("ann", conversation, 10) == ()
    assert await store.summary("ann", conversation) is None
    assert await store.attachments("ann", conversation) == ()


async def test_an_id_that_its_owner_has_is_a_conflict(store: Store, conversation: str) -> None:
    await store.append("ann", conversation, exchange("My VPN drops"))
    with pytest.raises(Conflict):
        await store.create("ann", conversation, "mine")
    assert (await store.overview("ann", conversation)).title == "My VPN drops"


async def test_an_id_that_another_has_is_free(store: Store, conversation: str, clock: Clock) -> None:
    await store.append("ann", conversation, exchange("My VPN drops"))
    before = await store.overview("ann", conversation)
    later = clock.move(5)
    assert await store.create("bob", conversation, "mine") == Overview(conversation, "mine", later, later, 0)
    with pytest.raises(Conflict):
        await store.create("bob", conversation, "again")
    assert (await store.rename("bob", conversation, "renamed")).title == "renamed"
    assert await store.page("ann", 10) == (before,)
    assert [one.title for one in await store.page("bob", 10)] == ["renamed"]


async def test_of_many_requests_that_create_one_id_at_once_one_does(store: Store, conversation: str) -> None:
    calls = [store.create(owner, conversation, "") for owner in ("ann", "bob") for _ in range(8)]
    ends = await asyncio.gather(*calls, return_exceptions=True)
    for owners in (ends[:8], ends[8:]):
        assert sorted(type(end).__name__ for end in owners) == ["Conflict"] * 7 + ["Overview"]


async def test_what_is_created_can_be_continued(store: Store, conversation: str, clock: Clock) -> None:
    await store.create("ann", conversation, "")
    later = clock.move(5)
    turns = exchange("My VPN drops")
    await store.append("ann", conversation, turns)
    assert await store.history("ann", conversation, 10) == turns
    assert await store.overview("ann", conversation) == Overview(conversation, "My VPN drops", NOON, later, 2)


async def test_a_write_that_adds_nothing_changes_nothing(store: Store, conversation: str, clock: Clock) -> None:
    turns = exchange("My VPN drops")
    await store.append("ann", conversation, turns)
    before = await store.overview("ann", conversation)
    clock.move(5)
    await store.append("ann", conversation, turns)
    await store.append("ann", conversation, ())
    assert await store.overview("ann", conversation) == before


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("My VPN drops", "My VPN drops"),
        ("  My\n\tVPN   drops\r\n", "My VPN drops"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("word " * 1000, "word " * 15 + "word…"),
        ("🙂" * 500, "🙂" * 79 + "…"),
        ("ab\0cd", "ab\0cd"),
        ("", ""),
        ("$title", "$title"),
    ],
    ids=["short", "lines", "fits", "too long", "words", "emoji", "nul", "empty", "path"],
)
async def test_the_first_question_is_the_title_of_what_has_none(
    store: Store, conversation: str, question: str, title: str
) -> None:
    await store.append("ann", conversation, (turn("Hello, how can I help?", Role.ASSISTANT),))
    assert (await store.overview("ann", conversation)).title == ""
    await store.append("ann", conversation, exchange(question))
    await store.append("ann", conversation, exchange("And my printer?"))
    assert (await store.overview("ann", conversation)).title == title
    assert [one.title for one in await store.page("ann", 10)] == [title]


async def test_a_title_can_be_given_and_taken_back(store: Store, conversation: str, clock: Clock) -> None:
    await store.append("ann", conversation, exchange("My VPN drops"))
    before = await store.overview("ann", conversation)
    clock.move(5)
    for title, shown in (("Zuhause\0 🙂", "Zuhause\0 🙂"), ("$title", "$title"), ("", "My VPN drops")):
        renamed = await store.rename("ann", conversation, title)
        assert renamed.title == shown
        assert await store.overview("ann", conversation) == renamed
        assert (renamed.created_at, renamed.updated_at, renamed.turns) == (before.created_at, before.updated_at, 2)


async def test_a_foreign_conversation_is_as_one_that_is_not_there(store: Store, conversation: str) -> None:
    await store.create("ann", conversation, "mine")
    for owner, name in (("bob", conversation), ("ann", str(uuid4())), ("$ne", conversation), ("", conversation)):
        with pytest.raises(NotFound):
            await store.overview(owner, name)
        with pytest.raises(NotFound):
            await store.rename(owner, name, "yours")
    assert (await store.overview("ann", conversation)).title == "mine"


async def test_a_list_is_newest_first_and_of_one_owner(store: Store, clock: Clock) -> None:
    mine = await made(store, clock, 3)
    await made(store, clock, 2, "bob")
    assert [one.id for one in await store.page("ann", 10)] == mine
    assert await store.page("eve", 10) == ()
    assert await store.page("$ne", 10) == ()


async def test_what_is_said_does_not_change_the_order(store: Store, clock: Clock) -> None:
    mine = await made(store, clock, 3)
    clock.move(1)
    await store.append("ann", mine[-1], exchange("My VPN drops"))
    page = await store.page("ann", 10)
    assert [one.id for one in page] == mine
    assert [one.turns for one in page] == [0, 0, 2]
    assert page == tuple([await store.overview("ann", one) for one in mine])


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_pages_hold_every_conversation_once(store: Store, clock: Clock, limit: int) -> None:
    mine = await made(store, clock, 7)
    assert await listed(store, limit) == mine


async def test_conversations_of_one_moment_are_ordered_by_their_ids(store: Store) -> None:
    ids = [str(uuid4()) for _ in range(7)]
    for one in ids:
        await store.create("ann", one, "")
    assert await listed(store, 2) == sorted(ids, reverse=True)


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_list_of_none_is_empty(store: Store, clock: Clock, limit: int) -> None:
    await made(store, clock, 2)
    assert await store.page("ann", limit) == ()


async def test_a_position_holds_while_conversations_come_and_go(store: Store, clock: Clock) -> None:
    mine = await made(store, clock, 4)
    second = (await store.page("ann", 2))[-1]
    await store.delete("ann", second.id)
    await made(store, clock, 2)
    behind = await store.page("ann", 10, Position(second.created_at, second.id))
    assert [one.id for one in behind] == mine[2:]


async def test_a_position_before_everything_has_nothing_behind_it(store: Store, clock: Clock) -> None:
    await made(store, clock, 2)
    assert await store.page("ann", 10, Position(NOON - timedelta(days=1), "")) == ()
    assert await store.page("ann", 10, Position(NOON, "$gt")) == ()
