"""What SQLite acknowledged is there after a kill -9, and what was not is there whole or not at all."""

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import crashing_writer
import pytest
from sqlite_agreement import agree

from app.adapters.stores.sqlite_store import SqliteStore
from app.errors import NotFound

ROOT = Path(__file__).parents[2]


def killed_writer(path: Path, run: int, seconds: float) -> list[tuple[str, int]]:
    """Let a process write for so long, kill it, and return what it said was acknowledged."""
    command = [sys.executable, crashing_writer.__file__, str(path), str(run)]
    environment = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        time.sleep(seconds)
        process.kill()
        lines = process.stdout.read().decode().splitlines(keepends=True)
    said = [line.split() for line in lines if line.endswith("\n")]
    return [(name, int(number)) for name, number in said]


async def kept_pairs(store: SqliteStore, name: str) -> int:
    """Return how many appends a conversation holds, having seen that each is whole and in its place."""
    try:
        turns = await store.history("ann", name, 10_000_000)
    except NotFound:
        return 0
    expected = [turn for number in range(len(turns) // 2) for turn in crashing_writer.pair(name, number)]
    assert list(turns) == expected
    assert (await store.overview("ann", name)).turns == len(turns)
    return len(turns) // 2


# A tenth of the kills in the everyday run, at moments that are random but the same in every run.
@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
async def test_every_acknowledged_turn_survives_a_kill(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "conversations.db"
    acknowledged: dict[str, int] = {}
    for run in range(kills):
        moment = Random(run).uniform(0.0, 0.15)  # noqa: S311 nothing secret about it
        of_run: dict[str, int] = {}
        for name, number in killed_writer(path, run, moment):
            of_run[name] = max(of_run.get(name, 0), number + 1)
        acknowledged |= of_run
        async with SqliteStore(path) as store:
            for name, count in of_run.items():
                # One append more may have been written than told: the kill can fall between the two.
                assert await kept_pairs(store, name) in (count, count + 1)
    async with SqliteStore(path) as store:
        for name, count in acknowledged.items():
            assert await kept_pairs(store, name) in (count, count + 1)
    agree(path)
    assert sum(acknowledged.values()) > 3 * kills
