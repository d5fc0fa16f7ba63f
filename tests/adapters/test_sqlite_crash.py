"""What SQLite acknowledged is there after a kill -9, and what was not is there whole or not at all."""

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import crashing_writer

from app.adapters.stores.sqlite_store import SqliteStore
from app.errors import NotFound

# Ten kills, at moments that are random but the same in every run.
MOMENTS = [Random(seed).uniform(0.0, 0.15) for seed in range(10)]  # noqa: S311 nothing secret about it
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
    return len(turns) // 2


async def test_every_acknowledged_turn_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    acknowledged: dict[str, int] = {}
    for run, seconds in enumerate(MOMENTS):
        for name, number in killed_writer(path, run, seconds):
            acknowledged[name] = max(acknowledged.get(name, 0), number + 1)
        async with SqliteStore(path) as store:
            for name, count in acknowledged.items():
                # One append more may have been written than told: the kill can fall between the two.
                assert await kept_pairs(store, name) in (count, count + 1)
    assert sum(acknowledged.values()) > 30
