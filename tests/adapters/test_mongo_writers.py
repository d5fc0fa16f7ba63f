"""Many who write to MongoDB at once, and writers that are killed: nothing lost, nothing doubled."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import mongo_writer
import pymongo
import pytest
from server_processes import Server
from store_builders import NOON

from app.adapters.stores.mongo_store import MongoStore
from app.domain.conversations import Role, Turn
from app.errors import StoreFailed

pytest_plugins = ["live_servers"]

ROOT = Path(__file__).parents[2]
WRITERS = 20


async def insist(store: MongoStore, turn: Turn) -> None:
    """Append until it is acknowledged, as a caller does who was told that nothing was."""
    while True:
        try:
            return await store.append("ann", "c", (turn,))
        except StoreFailed:
            await asyncio.sleep(0.2)


@pytest.mark.parametrize(("each", "seconds"), [(50, 1.0), pytest.param(500, 30.0, marks=pytest.mark.slow)])
async def test_twenty_writers_of_one_conversation_lose_and_double_nothing(
    own_mongo: Server, each: int, seconds: float
) -> None:
    async with MongoStore(own_mongo.address, request_seconds=seconds) as store:
        unvalidated(own_mongo.address)

        async def write(writer: int) -> None:
            for number in range(each):
                await insist(store, Turn(f"{writer} {number}", Role.USER, f"from {writer} comes {number}", NOON))

        await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
        kept = await store.history("ann", "c", WRITERS * each + 1)
    assert len(kept) == WRITERS * each
    for writer in range(WRITERS):
        mine = [turn.id for turn in kept if turn.id.split()[0] == str(writer)]
        assert mine == [f"{writer} {number}" for number in range(each)], "each one's turns are in its order"
    await agree(own_mongo.address)


def unvalidated(uri: str) -> None:
    """Let the server check no forms: that is not what is shown here, and this one does it message by message."""
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.get_default_database(default="itsupport").command("collMod", "conversations", validator={})


async def agree(uri: str) -> None:
    """See that text and history of every conversation say the same, and that no id is there twice."""
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        documents = list(client.get_default_database(default="itsupport")["conversations"].find())
    assert documents
    for document in documents:
        history = document["conversation_history"]
        assert document["conversation_text"] == "".join(f"{entry['content']}\n" for entry in history)
        assert len({entry["id"] for entry in history}) == len(history)


def killed_writer(uri: str, run: int, seconds: float) -> list[tuple[str, int]]:
    """Let a process write for so long, kill it, and return what it said was acknowledged."""
    command = [sys.executable, mongo_writer.__file__, uri, str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        time.sleep(seconds)
        process.kill()
        lines = process.stdout.read().decode().splitlines(keepends=True)
    said = [line.split() for line in lines if line.endswith("\n")]
    return [(name, int(number)) for name, number in said]


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
async def test_every_acknowledged_turn_survives_the_kill_of_its_writer(mongo_uri: str, kills: int) -> None:
    acknowledged: dict[str, int] = {}
    for run in range(kills):
        seconds = Random(run).uniform(0.0, 0.1)  # noqa: S311 nothing secret about it
        # Off the loop: nothing else runs there, but the process is waited for.
        for name, number in await asyncio.to_thread(killed_writer, mongo_uri, run, seconds):
            acknowledged[name] = max(acknowledged.get(name, 0), number + 1)
    assert sum(acknowledged.values()) > kills
    async with MongoStore(mongo_uri) as store:
        for name, count in acknowledged.items():
            kept = await store.history("ann", name, 1_000_000)
            # One append more may have been written than told: the kill can fall between the two.
            assert len(kept) in {2 * count, 2 * count + 2}
            pairs = (mongo_writer.pair(name, number) for number in range(len(kept) // 2))
            assert list(kept) == [turn for pair in pairs for turn in pair]
    await agree(mongo_uri)
