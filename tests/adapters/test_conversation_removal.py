"""What the port ConversationRemoval promises, asked of every implementation."""

import asyncio
from uuid import uuid4

import pytest
from store_builders import NOON, Clock, Store, attachment, exchange

from app.domain.conversations import Overview, Summary
from app.errors import NotFound

pytest_plugins = ["live_servers", "store_fixtures"]


async def filled(store: Store, owner: str, conversation: str, question: str = "My VPN drops") -> None:
    """Begin a conversation that has one of everything."""
    turns = exchange(question)
    await store.append(owner, conversation, turns)
    await store.keep_summary(owner, conversation, Summary("The VPN drops.", turns[1].id))
    await store.attach(owner, conversation, attachment("vpn.log", "timeout"))


async def gone(store: Store, owner: str, conversation: str) -> bool:
    """Tell whether nothing is there, having seen that every question about it says so."""
    ends = await asyncio.gather(
        store.history(owner, conversation, 10),
        store.overview(owner, conversation),
        store.summary(owner, conversation),
        store.attachments(owner, conversation),
        return_exceptions=True,
    )
    missing = {isinstance(end, NotFound) for end in ends}
    assert len(missing) == 1
    listed = {one.id for one in await store.page(owner, 1000)}
    found = {one.overview.id for one in await store.find(owner, "VPN", 1000)}
    assert (conversation in listed) == (missing == {False})
    assert not (conversation in found and missing == {True})
    return missing == {True}


async def test_reset_leaves_an_empty_conversation(store: Store, conversation: str, clock: Clock) -> None:
    await filled(store, "ann", conversation)
    later = clock.move(5)
    await store.reset("ann", conversation)
    assert await store.history("ann", conversation, 10) == ()
    assert await store.summary("ann", conversation) is None
    assert await store.attachments("ann", conversation) == ()
    assert await store.overview("ann", conversation) == Overview(conversation, "", NOON, later, 0)
    assert await store.find("ann", "VPN", 10) == ()


async def test_reset_keeps_a_title_that_was_given(store: Store, conversation: str) -> None:
    await filled(store, "ann", conversation)
    await store.rename("ann", conversation, "VPN at home")
    await store.reset("ann", conversation)
    assert (await store.overview("ann", conversation)).title == "VPN at home"


async def test_after_a_reset_the_same_messages_may_come_again(store: Store, conversation: str) -> None:
    turns = exchange("My VPN drops")
    await store.append("ann", conversation, turns)
    await store.reset("ann", conversation)
    await store.append("ann", conversation, turns)
    assert await store.history("ann", conversation, 10) == turns
    assert [one.overview.turns for one in await store.find("ann", "VPN", 10)] == [2]


async def test_delete_takes_all_away_and_leaves_the_others(store: Store, conversation: str) -> None:
    other = str(uuid4())
    await filled(store, "ann", conversation)
    await filled(store, "ann", other)
    await store.delete("ann", conversation)
    assert await gone(store, "ann", conversation)
    assert not await gone(store, "ann", other)
    assert [one.overview.id for one in await store.find("ann", "VPN", 10)] == [other]
    with pytest.raises(NotFound):
        await store.delete("ann", conversation)


async def test_a_deleted_id_begins_anew_whoever_takes_it(store: Store, conversation: str) -> None:
    await filled(store, "ann", conversation)
    await store.delete("ann", conversation)
    turns = exchange("My printer jams")
    await store.append("bob", conversation, turns)
    assert await store.history("bob", conversation, 10) == turns
    assert await store.attachments("bob", conversation) == ()
    assert await store.summary("bob", conversation) is None
    assert await gone(store, "ann", conversation)


async def test_nobody_removes_what_is_anothers(store: Store, conversation: str) -> None:
    await filled(store, "ann", conversation)
    before = await store.overview("ann", conversation)
    for owner in ("bob", "$ne", ""):
        with pytest.raises(NotFound):
            await store.reset(owner, conversation)
        with pytest.raises(NotFound):
            await store.delete(owner, conversation)
        assert await store.erase(owner) == 0
    with pytest.raises(NotFound):
        await store.reset("ann", str(uuid4()))
    assert await store.overview("ann", conversation) == before
    assert len(await store.attachments("ann", conversation)) == 1


async def test_erase_takes_everything_of_one_owner(store: Store) -> None:
    mine, others = [str(uuid4()) for _ in range(3)], [str(uuid4()) for _ in range(2)]
    for name in mine:
        await filled(store, "ann", name)
    for name in others:
        await filled(store, "bob", name)
    assert await store.erase("ann") == 3
    assert [await gone(store, "ann", name) for name in mine] == [True] * 3
    assert [await gone(store, "bob", name) for name in others] == [False] * 2
    assert await store.erase("ann") == 0
    await filled(store, "ann", mine[0])
    assert not await gone(store, "ann", mine[0])


async def test_expiry_takes_what_was_not_changed_since(store: Store, clock: Clock) -> None:
    old, continued, new = (str(uuid4()) for _ in range(3))
    await filled(store, "ann", old)
    await filled(store, "bob", continued)
    limit = clock.move(60)
    await filled(store, "ann", new)
    await store.append("bob", continued, exchange("And now?"))
    assert await store.expire(limit, 100) == 1
    assert await gone(store, "ann", old)
    assert not await gone(store, "bob", continued)
    assert not await gone(store, "ann", new)
    assert await store.expire(limit, 100) == 0


async def test_expiry_goes_in_steps(store: Store, clock: Clock) -> None:
    for number in range(5):
        await filled(store, f"owner {number % 2}", str(uuid4()))
    limit = clock.move(1)
    assert [await store.expire(limit, most) for most in (0, -1, 2, 2, 2, 2)] == [0, 0, 2, 2, 1, 0]


async def test_a_conversation_that_grows_while_it_is_deleted_is_whole_or_gone(store: Store, conversation: str) -> None:
    await store.create("ann", conversation, "")
    ends = await asyncio.gather(
        *(store.append("ann", conversation, exchange(f"VPN {number}")) for number in range(10)),
        store.delete("ann", conversation),
        *(store.append("ann", conversation, exchange(f"VPN {number}")) for number in range(10, 20)),
        return_exceptions=True,
    )
    assert [end for end in ends if end is not None] == []
    if not await gone(store, "ann", conversation):
        kept = await store.history("ann", conversation, 100)
        assert len(kept) % 2 == 0
        assert (await store.overview("ann", conversation)).turns == len(kept) <= 40
