"""What the port AttachmentStore promises, asked of every implementation."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from store_builders import NOON, NewStore, Store, attachment, exchange

from app.domain.conversations import Attachment, AttachmentKind
from app.errors import ConversationFull, NotFound

pytest_plugins = ["live_servers", "store_fixtures"]


async def test_attachments_come_back_as_they_were_and_in_their_order(store: Store, conversation: str) -> None:
    await store.append("ann", conversation, exchange("My VPN drops"))
    log = attachment("vpn.log", "connection reset", "timeout after 30 s")
    example = Attachment(str(uuid4()), AttachmentKind.EXAMPLE, "How?", ("Like this.",), NOON + timedelta(minutes=1))
    await store.attach("ann", conversation, log)
    await store.attach("ann", conversation, example)
    assert await store.attachments("ann", conversation) == (log, example)


async def test_an_attachment_begins_a_conversation(store: Store, conversation: str) -> None:
    await store.attach("ann", conversation, attachment())
    assert await store.history("ann", conversation, 10) == ()
    assert (await store.overview("ann", conversation)).turns == 0


async def test_an_attachment_is_kept_once(store: Store, conversation: str) -> None:
    log = attachment("vpn.log", "timeout")
    await asyncio.gather(*(store.attach("ann", conversation, log) for _ in range(5)))
    await store.attach("ann", conversation, replace(log, title="other.log"))
    assert await store.attachments("ann", conversation) == (log,)


async def test_it_stands_beside_the_messages(store: Store, conversation: str) -> None:
    turns = exchange("My VPN drops")
    await store.append("ann", conversation, turns)
    before = await store.overview("ann", conversation)
    await store.attach("ann", conversation, attachment("vpn.log", "zebra"))
    assert await store.history("ann", conversation, 10) == turns
    assert await store.overview("ann", conversation) == before


@pytest.mark.parametrize(
    "text",
    ["", "$content", "a\0b", "Ünïcode 漢字 🙂\r\n\t", '{"$gt": ""}', '["a", "b"]', "x" * 100_000],
    ids=["empty", "path", "nul", "unicode", "operator", "list", "long"],
)
async def test_any_text_is_kept_as_it_is(store: Store, conversation: str, text: str) -> None:
    kept = Attachment(str(uuid4()), AttachmentKind.FILE, text, (text, "", text), NOON)
    await store.attach("ann", conversation, kept)
    assert await store.attachments("ann", conversation) == (kept,)


async def test_one_without_passages_is_kept(store: Store, conversation: str) -> None:
    empty = attachment("empty.txt")
    await store.attach("ann", conversation, empty)
    assert await store.attachments("ann", conversation) == (empty,)


async def test_times_are_kept_in_utc_to_the_millisecond(store: Store, conversation: str) -> None:
    moment = datetime(2026, 3, 1, 14, 0, 0, 987654, tzinfo=timezone(timedelta(hours=2)))
    await store.attach("ann", conversation, replace(attachment(), created_at=moment))
    (kept,) = await store.attachments("ann", conversation)
    assert kept.created_at == datetime(2026, 3, 1, 12, 0, 0, 987000, tzinfo=UTC)
    assert kept.created_at.utcoffset() == timedelta(0)


async def test_detached_is_gone(store: Store, conversation: str) -> None:
    first, second = attachment("a.log"), attachment("b.log")
    for one in (first, second):
        await store.attach("ann", conversation, one)
    await store.detach("ann", conversation, first.id)
    assert await store.attachments("ann", conversation) == (second,)
    with pytest.raises(NotFound):
        await store.detach("ann", conversation, first.id)


async def test_another_owner_neither_sees_nor_changes_them(store: Store, conversation: str) -> None:
    log = attachment()
    await store.attach("ann", conversation, log)
    for owner in ("bob", "$ne", ""):
        with pytest.raises(NotFound):
            await store.attachments(owner, conversation)
        with pytest.raises(NotFound):
            await store.detach(owner, conversation, log.id)
        theirs = attachment("theirs.log")
        await store.attach(owner, conversation, theirs)
        with pytest.raises(NotFound):
            await store.detach(owner, conversation, log.id)
        assert await store.attachments(owner, conversation) == (theirs,)
    assert await store.attachments("ann", conversation) == (log,)


async def test_an_id_of_another_conversation_does_not_reach_it(store: Store, conversation: str) -> None:
    mine, other = attachment(), str(uuid4())
    await store.attach("ann", conversation, mine)
    await store.attach("bob", other, mine)
    await store.detach("bob", other, mine.id)
    with pytest.raises(NotFound):
        await store.detach("bob", other, mine.id)
    assert await store.attachments("ann", conversation) == (mine,)
    assert await store.attachments("bob", other) == ()


async def test_of_what_is_not_there_nothing_is_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.attachments("ann", str(uuid4()))
    with pytest.raises(NotFound):
        await store.detach("ann", str(uuid4()), "a")


async def test_a_conversation_holds_so_many(new_store: NewStore, conversation: str) -> None:
    store = await new_store(most_attachments=2)
    first, second, third = (attachment(f"{number}.log") for number in range(3))
    for one in (first, second, second, first):
        await store.attach("ann", conversation, one)
    with pytest.raises(ConversationFull) as full:
        await store.attach("ann", conversation, third)
    assert "2" in full.value.limit
    assert await store.attachments("ann", conversation) == (first, second)
    await store.detach("ann", conversation, first.id)
    await store.attach("ann", conversation, third)
    assert await store.attachments("ann", conversation) == (second, third)


async def test_many_who_attach_at_once_do_not_pass_the_limit(new_store: NewStore, conversation: str) -> None:
    store = await new_store(most_attachments=3)
    await store.create("ann", conversation, "")
    ends = await asyncio.gather(
        *(store.attach("ann", conversation, attachment(f"{number}.log")) for number in range(8)),
        return_exceptions=True,
    )
    assert sorted(type(end).__name__ for end in ends) == ["ConversationFull"] * 5 + ["NoneType"] * 3
    assert len(await store.attachments("ann", conversation)) == 3
