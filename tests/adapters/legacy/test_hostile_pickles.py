"""Whatever a pickle asks for: nothing is run, little memory is used, and an answer comes soon."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hostile_pickles import bombs, broken, gadgets

from app.modelfiles.apart import child_environment

SECONDS = 2.0
"""Of processor time: how long that takes depends on who else wants the processor."""
MEGABYTES = 300
DRIVER = """
import json, resource, sys, time
from pathlib import Path
from app.adapters.legacy.apart import read_apart
from app.errors import DocumentRefused
def children():
    return resource.getrusage(resource.RUSAGE_CHILDREN)
for path in sorted(Path(sys.argv[1]).iterdir()):
    began, used = time.perf_counter(), children().ru_utime + children().ru_stime
    try:
        said = "read " + json.dumps(read_apart(path, "pickle")[2])[:200]
    except DocumentRefused as error:
        said = error.reason
    used = children().ru_utime + children().ru_stime - used
    print(json.dumps([path.name, said, used, time.perf_counter() - began]))
print(json.dumps(children().ru_maxrss))
"""
"""A process of its own, for the peak of its children is that of them alone: a child starts as large as its parent."""

MUST_BE_REFUSED = ("gadget", "bomb")


def run(folder: Path, corpus: dict[str, bytes]) -> tuple[list[Any], float]:
    """Read each pickle in a process of its own; return what was said of each, and the peak memory in MiB."""
    pickles = folder / "pickles"
    pickles.mkdir()
    for name, data in corpus.items():
        (pickles / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(pickles)],
        env=child_environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    *said, peak = map(json.loads, done.stdout.splitlines())
    return said, peak / 1024


def corpus_of(canary: Path, mutants: int) -> dict[str, bytes]:
    groups = {"gadget": gadgets(canary), "bomb": bombs(), "mutant": broken(Random(7), mutants)}  # noqa: S311
    return {f"{group}-{at:03}": data for group, found in groups.items() for at, data in enumerate(found)}


def check(folder: Path, corpus: dict[str, bytes]) -> None:
    said, peak = run(folder, corpus)
    assert [name for name, _, _, _ in said] == sorted(corpus)
    assert not (folder / "canary").exists()
    assert [entry for entry in said if entry[0].startswith(MUST_BE_REFUSED) and entry[1].startswith("read")] == []
    assert [entry for entry in said if entry[2] > SECONDS] == []
    assert peak <= MEGABYTES
    slowest, longest = max(entry[2] for entry in said), max(entry[3] for entry in said)
    # Seen with `pytest -s`: the figures of the whole corpus.
    sys.stdout.write(
        f"{len(said)} pickles: {slowest:.2f} s of processor time, {longest:.2f} s, {peak:.0f} MiB at most\n"
    )


def test_a_tenth_of_them(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "canary", 140)
    check(tmp_path, {name: corpus[name] for name in sorted(corpus)[::10]})


@pytest.mark.slow
def test_all_of_them(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "canary", 140)
    assert len(corpus) >= 200
    check(tmp_path, corpus)
