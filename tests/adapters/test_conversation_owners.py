"""One id in the hands of two owners is two conversations, asked of every store: neither is heard of in the other."""

from datetime import timedelta

import pytest
from store_builders import NOON, Clock, Store, attachment, exchange

from app.domain.conversations import Attachment, Overview, Position, Summary, Turn
from app.errors import Conflict, NotFound

pytest_plugins = ["live_servers", "store_fixtures"]

Seen = tuple[Overview, tuple[Turn, ...], Summary | None, tuple[Attachment, ...], list[str]]


async def filled(store: Store, owner: str, conversation: str) -> None:
    """Begin a conversation that has one of everything, the owner's name in all of it."""
    turns = exchange(f"The VPN of {owner} drops", f"Restart it, {owner}.")
    await store.create(owner, conversation, f"Of {owner}")
    await store.append(owner, conversation, turns)
    await store.keep_summary(owner, conversation, Summary(f"The VPN of {owner} drops.", turns[1].id))
    await store.attach(owner, conversation, attachment(f"{owner}.log", "timeout"))


async def seen(store: Store, owner: str, conversation: str) -> Seen:
    """Return all that an owner sees, in lists and searches as well."""
    overview = await store.overview(owner, conversation)
    assert await store.page(owner, 10) == (overview,)
    found = await store.find(owner, "VPN", 10)
    assert [one.overview for one in found] == [overview]
    history = await store.history(owner, conversation, 10)
    kept = await store.attachments(owner, conversation)
    return overview, history, await store.summary(owner, conversation), kept, [one.snippet for one in found]


@pytest.fixture
async def shared(store: Store, conversation: str) -> str:
    """Return an id that two owners have."""
    for owner in ("ann", "bob"):
        await filled(store, owner, conversation)
    return conversation


async def test_each_sees_their_own(store: Store, shared: str) -> None:
    for owner, other in (("ann", "bob"), ("bob", "ann")):
        all_of_it = str(await seen(store, owner, shared))
        assert owner in all_of_it
        assert other not in all_of_it
        assert await store.find(owner, f"{other} VPN {other}", 10) != ()
        assert await store.find(owner, other, 10) == ()


async def test_what_one_does_to_theirs_leaves_the_others_as_it_was(store: Store, shared: str) -> None:
    before = await seen(store, "ann", shared)
    (theirs,) = await store.attachments("bob", shared)
    await store.rename("bob", shared, "renamed")
    await store.append("bob", shared, exchange("And my printer?"))
    await store.keep_summary("bob", shared, Summary("Something else.", "x"))
    await store.detach("bob", shared, theirs.id)
    assert await seen(store, "ann", shared) == before
    with pytest.raises(NotFound):
        await store.detach("bob", shared, before[3][0].id)
    await store.reset("bob", shared)
    assert await seen(store, "ann", shared) == before
    await store.delete("bob", shared)
    assert await seen(store, "ann", shared) == before
    with pytest.raises(NotFound):
        await store.overview("bob", shared)


async def test_an_id_that_was_given_up_can_be_had_again_while_another_has_it(store: Store, shared: str) -> None:
    before = await seen(store, "ann", shared)
    assert await store.erase("bob") == 1
    assert (await store.create("bob", shared, "")).turns == 0
    assert await store.attachments("bob", shared) == ()
    assert await store.summary("bob", shared) is None
    assert await seen(store, "ann", shared) == before
    with pytest.raises(Conflict):
        await store.create("ann", shared, "")


async def test_one_of_them_expires(store: Store, shared: str, clock: Clock) -> None:
    clock.move(60)
    await store.append("ann", shared, exchange("And my VPN at home?"))
    assert await store.expire(NOON + timedelta(minutes=30), 100) == 1
    assert (await store.overview("ann", shared)).turns == 4
    assert len(await store.attachments("ann", shared)) == 1
    with pytest.raises(NotFound):
        await store.attachments("bob", shared)


async def test_a_position_of_one_is_no_way_to_the_other(store: Store, shared: str) -> None:
    theirs = await store.overview("bob", shared)
    assert await store.page("ann", 10, Position(theirs.created_at, theirs.id)) == ()
