"""A release is whole, old or new, whenever its writer is killed and however many write."""

import subprocess
import sys
import time
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


def started(folder: Path, word: str, releases: int = 0) -> "subprocess.Popen[bytes]":
    command = [sys.executable, publishing_loop.__file__, str(folder), word, str(releases)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)})


def opened_whole(folder: Path) -> Release:
    """Open the current release, having seen that all of it belongs together."""
    release = FolderReleaseStore(folder).open(SPEC)
    texts = {passage.text for passage in release.passages}
    assert len(release.documents) == len(release.passages) == publishing_loop.PAGES
    assert texts == {(f"{release.manifest.sources} " * 20).strip()}
    return release


def killed(folder: Path, word: str, seconds: float) -> list[str]:
    """Let a process publish for so long, kill it, and return the releases it said were current."""
    with started(folder, word) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        rest = process.stdout.read().splitlines(keepends=True)
    return [line.decode().strip() for line in (first, *rest) if line.endswith(b"\n")]


def test_a_release_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    unseen = 0
    for run, seconds in enumerate(MOMENTS):
        said = killed(tmp_path, f"run{run}", seconds)
        now = opened_whole(tmp_path).manifest
        # The last release told of, or one that was current before its writer could tell.
        assert now.sources.startswith(f"run{run} ")
        assert now.release >= said[-1]
        assert int(now.sources.split()[1]) in (len(said) - 1, len(said))
        unseen += (tmp_path / "releases" / "new.tmp").exists()
    assert unseen > 0, "no kill ever fell into the writing of a release"


def test_after_a_kill_the_next_writer_cleans_up(tmp_path: Path) -> None:
    killed(tmp_path, "killed", 0.01)
    (tmp_path / "releases" / "new.tmp").mkdir(exist_ok=True)
    (tmp_path / "CURRENT.tmp").write_bytes(b"half")
    with started(tmp_path, "next", 4) as process:
        assert process.wait(60) == 0
    assert opened_whole(tmp_path).manifest.sources == "next 3"
    assert len(list((tmp_path / "releases").iterdir())) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CURRENT", "lock", "releases"]


def test_two_writers_at_once_do_no_harm(tmp_path: Path) -> None:
    with started(tmp_path, "one", RUNS) as one, started(tmp_path, "two", RUNS) as two:
        seen = set()
        assert one.stdout is not None
        one.stdout.readline()
        while one.poll() is None or two.poll() is None:
            seen.add(opened_whole(tmp_path).manifest.sources)
            time.sleep(0.02)
        assert (one.returncode, two.returncode) == (0, 0)
    assert opened_whole(tmp_path).manifest.sources in {f"one {RUNS - 1}", f"two {RUNS - 1}"}
    assert {name.split()[0] for name in seen} <= {"one", "two"}
    assert len(list((tmp_path / "releases").iterdir())) == 3
