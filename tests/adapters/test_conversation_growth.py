"""How far every conversation store lets a conversation grow, and how pieces of it are read."""

import asyncio
from dataclasses import replace

import pytest
from store_builders import NewStore, Store, exchange, turn

from app.adapters.stores.memory_store import MemoryStore
from app.domain.answers import Citation
from app.domain.conversations import Role, Turn
from app.errors import ConversationFull

pytest_plugins = ["live_servers", "store_fixtures"]

CITED = (
    Citation(1, "kb-vpn", "kb-vpn#2", "VPN: Häufige Fehler", "Der Tunnel bricht ab."),
    Citation(2, "$doc", "", 'a\0b "quoted"', "🙂\n"),
)


@pytest.mark.parametrize(
    ("limit", "until", "expected"),
    [
        (10, None, (0, 6)),
        (10, 6, (0, 6)),
        (10, 9, (0, 6)),
        (10, 4, (0, 4)),
        (3, 4, (1, 4)),
        (1, 4, (3, 4)),
        (1, 1, (0, 1)),
        (2, 0, (0, 0)),
        (2, -1, (0, 0)),
        (0, 4, (0, 0)),
        (-1, 4, (0, 0)),
    ],
)
async def test_a_piece_of_a_history_ends_where_it_is_told_to(
    store: Store, conversation: str, limit: int, until: int | None, expected: tuple[int, int]
) -> None:
    turns = exchange("1") + exchange("2") + exchange("3")
    await store.append("ann", conversation, turns)
    assert await store.history("ann", conversation, limit, until) == turns[expected[0] : expected[1]]


async def test_a_history_is_read_backwards_in_pieces(store: Store, conversation: str) -> None:
    turns = tuple(turn(str(number)) for number in range(25))
    await store.append("ann", conversation, turns)
    read: tuple[Turn, ...] = ()
    until = len(turns)
    while piece := await store.history("ann", conversation, 4, until):
        read = piece + read
        until -= len(piece)
    assert read == turns


async def test_citations_come_back_as_they_were(store: Store, conversation: str) -> None:
    answer = replace(turn("Renew it [1][2].", Role.ASSISTANT, "answered"), citations=CITED)
    turns = (turn(), answer, turn("thanks"))
    await store.append("ann", conversation, turns)
    assert await store.history("ann", conversation, 10) == turns


async def test_a_conversation_holds_so_many_messages(new_store: NewStore, conversation: str) -> None:
    store = await new_store(most_turns=5)
    first, second = exchange("1"), exchange("2")
    await store.append("ann", conversation, first)
    await store.append("ann", conversation, second)
    with pytest.raises(ConversationFull) as full:
        await store.append("ann", conversation, exchange("3"))
    assert "5" in full.value.limit
    assert await store.history("ann", conversation, 10) == first + second
    last = (turn("3"),)
    await store.append("ann", conversation, last)
    assert await store.history("ann", conversation, 10) == first + second + last


async def test_what_is_there_already_may_come_again_to_a_full_one(new_store: NewStore, conversation: str) -> None:
    store = await new_store(most_turns=2)
    turns = exchange("1")
    await store.append("ann", conversation, turns)
    await store.append("ann", conversation, turns)
    with pytest.raises(ConversationFull):
        await store.append("ann", conversation, (*turns, turn("2")))
    assert await store.history("ann", conversation, 10) == turns


async def test_a_full_one_may_be_reset_and_filled_again(new_store: NewStore, conversation: str) -> None:
    store = await new_store(most_turns=2)
    await store.append("ann", conversation, exchange("1"))
    await store.reset("ann", conversation)
    turns = exchange("2")
    await store.append("ann", conversation, turns)
    assert await store.history("ann", conversation, 10) == turns


async def test_many_who_append_at_once_do_not_pass_the_limit(new_store: NewStore, conversation: str) -> None:
    store = await new_store(most_turns=6)
    await store.create("ann", conversation, "")
    ends = await asyncio.gather(
        *(store.append("ann", conversation, exchange(str(number))) for number in range(8)), return_exceptions=True
    )
    assert sorted(type(end).__name__ for end in ends) == ["ConversationFull"] * 5 + ["NoneType"] * 3
    assert len(await store.history("ann", conversation, 100)) == 6


async def test_a_conversation_holds_so_much_text(new_store: NewStore, conversation: str) -> None:
    if isinstance(await new_store(), MemoryStore):
        pytest.skip("memory counts messages alone")
    store = await new_store(most_bytes=1000)
    first = turn("ü" * 450)
    await store.append("ann", conversation, (first,))
    with pytest.raises(ConversationFull):
        await store.append("ann", conversation, (turn("x" * 200),))
    assert await store.history("ann", conversation, 10) == (first,)
    short = turn("x" * 20)
    await store.append("ann", conversation, (short,))
    assert await store.history("ann", conversation, 10) == (first, short)
    await store.append("ann", conversation, (first, short))
    assert (await store.overview("ann", conversation)).turns == 2
