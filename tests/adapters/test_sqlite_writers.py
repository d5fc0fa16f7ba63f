"""Many writers on one conversation: nothing is lost, nothing doubled, whatever the order."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest
from sqlite_agreement import agree
from store_builders import exchange

from app.adapters.stores.sqlite_store import SqliteStore
from app.domain.conversations import Turn

WRITERS = 20


async def write(store: SqliteStore, exchanges: Sequence[tuple[Turn, ...]]) -> None:
    """Append one turn after the other, and every tenth twice, as a caller does that heard no answer."""
    for number, turns in enumerate(exchanges):
        await store.append("ann", "c", turns)
        if number % 10 == 0:
            await store.append("ann", "c", turns)


# A tenth in the everyday run.
@pytest.mark.parametrize("appends", [50, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("stores", [1, 2])
async def test_twenty_writers_lose_and_double_nothing(tmp_path: Path, appends: int, stores: int) -> None:
    path = tmp_path / "conversations.db"
    plan = [[exchange(f"{writer} asks {number}")[:1] for number in range(appends)] for writer in range(WRITERS)]
    opened = [SqliteStore(path) for _ in range(stores)]
    for store in opened:
        await store.open()
    await asyncio.gather(*(write(opened[number % stores], turns) for number, turns in enumerate(plan)))
    kept = await opened[0].history("ann", "c", 1_000_000)
    for store in opened:
        await store.close()
    assert len(kept) == WRITERS * appends
    assert {turn.id for turn in kept} == {turn.id for turn in chain.from_iterable(chain.from_iterable(plan))}
    for turns in plan:
        mine = {turn.id for (turn,) in turns}
        assert [turn for turn in kept if turn.id in mine] == [turn for (turn,) in turns]
    agree(path)
