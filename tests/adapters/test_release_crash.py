"""A release is whole, old or new, whenever its writer is killed and however many write."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import publishing_loop

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index.store import FolderReleaseStore
from app.ports import Release

SPEC = HashingEmbedder(publishing_loop.DIMENSION).spec
ROOT = Path(__file__).parents[2]
RUNS, KILLS = 20, 20
# Within a few releases' time: the moments are random, but the same in every run.
MOMENTS = [Random(seed).uniform(0.0, 0.06) for seed in range(KILLS)]  # noqa: S311 nothing secret about it

Process = subprocess.Popen[str]


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Process]:
    command = [sys.executable, publishing_loop.__file__, str(folder), *arguments]
    environment = {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True, bufsize=1) as process:
        yield process


def said(process: Process) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill_a_writer(process: Process, word: str, seconds: float) -> list[str]:
    """Let a writer publish for so long, kill it, and return the releases it said were current."""
    assert process.stdin is not None
    process.stdin.write(f"{word}\n")
    heard = {said(process), said(process)}
    writer = int(min(heard, key=len))
    time.sleep(seconds)
    os.kill(writer, signal.SIGKILL)
    heard.update(iter(lambda: said(process), "dead"))
    return sorted(heard - {str(writer)})


def opened_whole(folder: Path) -> Release:
    """Open the current release, having seen that all of it belongs together."""
    release = FolderReleaseStore(folder).open(SPEC)
    texts = {passage.text for passage in release.passages}
    assert len(release.documents) == len(release.passages) == publishing_loop.PAGES
    assert texts == {(f"{release.manifest.sources} " * 20).strip()}
    return release


def test_a_release_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    interrupted = 0
    with started(tmp_path) as process:
        for run, seconds in enumerate(MOMENTS):
            told = kill_a_writer(process, f"run{run}", seconds)
            now = opened_whole(tmp_path).manifest
            # The last release told of, or one that became current before its writer could tell.
            assert now.release >= told[-1]
            assert now.sources in {f"run{run} {len(told) - 1}", f"run{run} {len(told)}"}
            interrupted += (tmp_path / "releases" / "new.tmp").exists()
    assert interrupted > 0, "no kill ever fell into the writing of a release"


def test_after_a_kill_the_next_writer_cleans_up(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        kill_a_writer(process, "killed", 0.01)
    (tmp_path / "releases" / "new.tmp").mkdir(exist_ok=True)
    (tmp_path / "CURRENT.tmp").write_bytes(b"half")
    with started(tmp_path, "next", "4") as process:
        process.communicate(timeout=60)
    assert opened_whole(tmp_path).manifest.sources == "next 3"
    assert len(list((tmp_path / "releases").iterdir())) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CURRENT", "lock", "releases"]


def test_two_writers_at_once_do_no_harm(tmp_path: Path) -> None:
    with started(tmp_path, "one", str(RUNS)) as one, started(tmp_path, "two", str(RUNS)) as two:
        seen = set()
        said(one)
        while one.poll() is None or two.poll() is None:
            seen.add(opened_whole(tmp_path).manifest.sources)
            time.sleep(0.01)
        assert (one.returncode, two.returncode) == (0, 0)
    assert {name.split()[0] for name in seen} <= {"one", "two"}
    assert opened_whole(tmp_path).manifest.sources in {f"one {RUNS - 1}", f"two {RUNS - 1}"}
    assert len(list((tmp_path / "releases").iterdir())) == 3
