"""A kill -9 at any moment: what was acknowledged is taken in at the next start, whole and once."""

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import crashing_runner

from app.domain.documents import FileFilter, FileState, JobState
from tests.document_builders import opened

# Six kills, at moments that are random but the same in every run.
MOMENTS = [Random(seed).uniform(0.0, 0.4) for seed in range(6)]  # noqa: S311 nothing secret about it
ROOT = Path(__file__).parents[3]


def killed(root: Path, run: int, seconds: float) -> list[str]:
    """Let a process work for so long, kill it, and return what it said was acknowledged."""
    command = [sys.executable, crashing_runner.__file__, str(root), str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        time.sleep(seconds)
        process.kill()
        return process.stdout.read().decode().splitlines()[:-1]


async def test_every_acknowledged_document_is_taken_in_after_a_kill(tmp_path: Path) -> None:
    expected: set[str] = set()
    for run, seconds in enumerate(MOMENTS):
        for line in killed(tmp_path, run, seconds):
            what, _, name = line.partition(" ")
            expected.add(name if what == "added" else f"{name} new")
            if what == "replaced":
                expected.discard(name)
        with opened(tmp_path) as place:
            await place.run()
            await place.indexer.refresh(lambda _done, _total: None)
            found = set(place.indexer.texts())
            # One submission more may have been entered than told: the kill can fall between the two.
            assert {text.removesuffix(" new") for text in expected} <= {text.removesuffix(" new") for text in found}
            assert {text for text in expected if text.endswith(" new")} <= found
            records, total = await place.documents.report.files(FileFilter(), 0, 10_000)
            jobs, _ = await place.documents.report.jobs(0, 10_000)
            assert {record.state for record in records} == {FileState.READY}
            assert {job.state for job in jobs} <= {JobState.DONE, JobState.CANCELLED}
            assert len(found) == total
    assert len(expected) > 10
