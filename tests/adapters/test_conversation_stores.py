"""What the port ConversationStore promises, asked of every implementation."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.adapters.stores.memory_store import MemoryStore
from app.adapters.stores.mongo_store import MongoStore
from app.adapters.stores.sqlite_store import SqliteStore
from app.domain.conversations import Role, Turn
from app.errors import NotFound
from app.ports import ConversationStore

pytest_plugins = ["live_servers"]

NOON = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)


def turn(content: str = "My VPN drops", role: Role = Role.USER, outcome: str | None = None) -> Turn:
    return Turn(str(uuid4()), role, content, NOON, outcome)


def exchange(number: int) -> tuple[Turn, Turn]:
    return turn(f"question {number}"), turn(f"answer {number}", Role.ASSISTANT, "answered")


@pytest.fixture(params=["memory", "sqlite", "mongo"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ConversationStore]:
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "sqlite":
        async with SqliteStore(tmp_path / "state" / "conversations.db") as sqlite:
            yield sqlite
    else:
        async with MongoStore(request.getfixturevalue("mongo_uri")) as mongo:
            yield mongo


@pytest.fixture
def conversation() -> str:
    return str(uuid4())


async def test_turns_come_back_as_they_were_and_in_their_order(store: ConversationStore, conversation: str) -> None:
    first, second = exchange(1), exchange(2)
    await store.append("ann", conversation, first)
    await store.append("ann", conversation, second)
    assert await store.history("ann", conversation, 50) == first + second


@pytest.mark.parametrize(("limit", "expected"), [(-1, 0), (0, 0), (1, 1), (3, 3), (4, 4), (1000, 4)])
async def test_the_limit_keeps_the_last_turns(
    store: ConversationStore, conversation: str, limit: int, expected: int
) -> None:
    turns = exchange(1) + exchange(2)
    await store.append("ann", conversation, turns)
    assert await store.history("ann", conversation, limit) == turns[4 - expected :]


async def test_an_unknown_conversation_is_not_found(store: ConversationStore, conversation: str) -> None:
    with pytest.raises(NotFound):
        await store.history("ann", conversation, 10)


async def test_a_conversation_may_begin_empty(store: ConversationStore, conversation: str) -> None:
    await store.append("ann", conversation, ())
    assert await store.history("ann", conversation, 10) == ()
    turns = exchange(1)
    await store.append("ann", conversation, turns)
    assert await store.history("ann", conversation, 10) == turns


async def test_another_owner_neither_reads_nor_writes(store: ConversationStore, conversation: str) -> None:
    turns, theirs = exchange(1), exchange(2)
    await store.append("ann", conversation, turns)
    with pytest.raises(NotFound):
        await store.history("bob", conversation, 10)
    await store.append("bob", conversation, ())
    assert await store.history("bob", conversation, 10) == ()
    await store.append("bob", conversation, theirs)
    assert await store.history("bob", conversation, 10) == theirs
    assert await store.history("ann", conversation, 10) == turns


async def test_a_repeated_write_changes_nothing(store: ConversationStore, conversation: str) -> None:
    turns = exchange(1)
    for _ in range(3):
        await store.append("ann", conversation, turns)
    altered = (replace(turns[0], content="something else"), turns[1])
    await store.append("ann", conversation, altered)
    assert await store.history("ann", conversation, 10) == turns


async def test_of_a_write_that_is_partly_there_the_rest_is_added(store: ConversationStore, conversation: str) -> None:
    first, second = exchange(1)
    third = turn("and then?")
    await store.append("ann", conversation, (first, second))
    await store.append("ann", conversation, (second, third, third, first))
    assert await store.history("ann", conversation, 10) == (first, second, third)


@pytest.mark.parametrize(
    "content",
    ["", "$content", "$$ROOT", "a\0b", "Ünïcode 漢字 🙂\r\n\t", '{"$gt": ""}', "x" * 100_000],
    ids=["empty", "path", "variable", "nul", "unicode", "operator", "long"],
)
async def test_any_text_is_kept_as_it_is(store: ConversationStore, conversation: str, content: str) -> None:
    turns = (turn("before"), turn(content, Role.ASSISTANT, content))
    await store.append(content, conversation, turns[:1])
    await store.append(content, conversation, turns[1:])
    assert await store.history(content, conversation, 10) == turns


async def test_times_are_kept_in_utc_to_the_millisecond(store: ConversationStore, conversation: str) -> None:
    moment = datetime(2026, 3, 1, 14, 0, 0, 987654, tzinfo=timezone(timedelta(hours=2)))
    await store.append("ann", conversation, (replace(turn(), created_at=moment),))
    (kept,) = await store.history("ann", conversation, 1)
    assert kept.created_at == datetime(2026, 3, 1, 12, 0, 0, 987000, tzinfo=UTC)
    assert kept.created_at.utcoffset() == timedelta(0)


async def test_a_time_without_a_zone_is_refused(store: ConversationStore, conversation: str) -> None:
    naive = replace(turn(), created_at=NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="zone"):
        await store.append("ann", conversation, (naive,))
    with pytest.raises(NotFound):
        await store.history("ann", conversation, 1)


async def test_twenty_writers_at_once_lose_nothing(store: ConversationStore, conversation: str) -> None:
    exchanges = [exchange(number) for number in range(20)]
    await asyncio.gather(*(store.append("ann", conversation, pair) for pair in exchanges))
    kept = await store.history("ann", conversation, 100)
    assert sorted(kept[::2], key=lambda one: one.id) == sorted((q for q, _ in exchanges), key=lambda one: one.id)
    answers = dict(exchanges)
    assert all(answers[question] == answer for question, answer in zip(kept[::2], kept[1::2], strict=True))


async def test_the_same_write_at_once_is_kept_once(store: ConversationStore, conversation: str) -> None:
    turns = exchange(1)
    await asyncio.gather(*(store.append("ann", conversation, turns) for _ in range(10)))
    assert await store.history("ann", conversation, 100) == turns


async def test_two_owners_who_begin_the_same_conversation_at_once_do_not_share_it(
    store: ConversationStore, conversation: str
) -> None:
    owners = [f"owner {number}" for number in range(8)]
    await asyncio.gather(*(store.append(owner, conversation, (turn(owner),)) for owner in owners))
    for owner in owners:
        (kept,) = await store.history(owner, conversation, 10)
        assert kept.content == owner


async def test_a_store_in_order_answers_a_ping(store: ConversationStore) -> None:
    await store.ping()


Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(st.sampled_from(["ann", "bob", "$ne", ""]), st.integers(0, 2), st.integers(0, 2)), max_size=12
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(plan=steps)
async def test_whatever_is_done_owners_see_their_own_alone(store: ConversationStore, plan: Sequence[Step]) -> None:
    names = [str(uuid4()) for _ in range(3)]
    expected: dict[tuple[str, str], tuple[Turn, ...]] = {}
    for owner, which, count in plan:
        fresh = tuple(turn(owner) for _ in range(count))
        await store.append(owner, names[which], fresh)
        expected[owner, names[which]] = expected.get((owner, names[which]), ()) + fresh
    for name in names:
        for owner in ("ann", "bob", "$ne", ""):
            if (owner, name) in expected:
                assert await store.history(owner, name, 100) == expected[owner, name]
            else:
                with pytest.raises(NotFound):
                    await store.history(owner, name, 100)
