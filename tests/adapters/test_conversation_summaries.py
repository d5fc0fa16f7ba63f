"""What the port SummaryStore promises, asked of every implementation."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from store_builders import Store

from app.domain.conversations import Role, Summary, Turn
from app.errors import NotFound

pytest_plugins = ["live_servers", "store_fixtures"]

ASKED = Turn("t1", Role.USER, "My VPN drops", datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
async def conversation(store: Store) -> str:
    name = str(uuid4())
    await store.append("ann", name, [Turn(str(uuid4()), Role.USER, ASKED.content, ASKED.created_at)])
    return name


async def test_a_new_conversation_has_no_summary(store: Store, conversation: str) -> None:
    assert await store.summary("ann", conversation) is None


async def test_the_summary_kept_last_counts(store: Store, conversation: str) -> None:
    await store.keep_summary("ann", conversation, Summary("The VPN drops.", "t1"))
    await store.keep_summary("ann", conversation, Summary("$VPN drops with error 809.", "t2"))
    assert await store.summary("ann", conversation) == Summary("$VPN drops with error 809.", "t2")


async def test_turns_stay_as_they_were(store: Store, conversation: str) -> None:
    await store.keep_summary("ann", conversation, Summary("", "t1"))
    [turn] = await store.history("ann", conversation, 10)
    assert (turn.content, await store.summary("ann", conversation)) == ("My VPN drops", Summary("", "t1"))


async def test_it_is_nobody_elses(store: Store, conversation: str) -> None:
    await store.keep_summary("ann", conversation, Summary("The VPN drops.", "t1"))
    with pytest.raises(NotFound):
        await store.summary("bob", conversation)
    with pytest.raises(NotFound):
        await store.keep_summary("bob", conversation, Summary("mine now", "t9"))
    assert await store.summary("ann", conversation) == Summary("The VPN drops.", "t1")


async def test_what_is_not_there_has_none(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.summary("ann", str(uuid4()))
    with pytest.raises(NotFound):
        await store.keep_summary("ann", str(uuid4()), Summary("x", "t1"))
