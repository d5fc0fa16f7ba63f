"""Killed at any step of a publication: the old release or the new one, whole, and the next publication goes well."""

import hashlib
import shutil
from pathlib import Path

import killed_writer
import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index.store import FolderReleaseStore
from app.domain.releases import ReleaseContent
from tests.builders import content, document

SPEC = HashingEmbedder(16).spec
POINTS = 200
"""How many steps of a publication it is killed at, in the whole run."""


def made_of(word: str) -> ReleaseContent:
    return content(document("page", f"{word} text", title=word), dimension=16, sources=word)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Return a folder with two releases, so that publishing a third removes one."""
    store = FolderReleaseStore(tmp_path / "first", keep=1)
    store.publish(made_of("oldest"))
    store.publish(made_of("old"))
    return tmp_path / "first"


def digest(folder: Path) -> str:
    """Return one digest over the files of the current release, having opened it."""
    store = FolderReleaseStore(folder, keep=1)
    release = store.open(SPEC)
    files = sorted((folder / "releases" / release.manifest.release).iterdir())
    assert [path.name for path in files] == sorted([*release.manifest.files, "manifest.json"])
    assert release.passages[0].text == f"{release.manifest.sources} text"
    for path in files:
        if path.name != "manifest.json":
            assert hashlib.sha256(path.read_bytes()).hexdigest() == release.manifest.files[path.name]
    return release.manifest.sources


def killed_at(folder: Path, published: Path, step: int) -> tuple[bool, str]:
    """Publish anew, dying at a step; return whether it died and what is current then."""
    shutil.copytree(published, folder)
    died = killed_writer.published_or_killed(folder, made_of("new"), step)
    current = digest(folder)
    FolderReleaseStore(folder, keep=1).publish(made_of("next"))
    assert digest(folder) == "next"
    assert not list((folder / "releases").glob("*.tmp"))
    assert len(list((folder / "releases").iterdir())) == 2
    shutil.rmtree(folder)
    return died, current


def steps_of(folder: Path, published: Path) -> int:
    """Return how many steps a publication has, found by halving."""
    lived, least = 1 << 16, 1
    while least < lived:
        middle = (least + lived) // 2
        died, _ = killed_at(folder, published, middle)
        least, lived = (middle + 1, lived) if died else (least, middle)
    return least - 1


def killed_all_along(folder: Path, published: Path, points: int) -> None:
    """Kill at steps all along a publication: what is current is old up to some step, and new from there on."""
    total = steps_of(folder, published)
    assert total > POINTS
    seen = []
    for step in sorted({1 + point * (total - 1) // (points - 1) for point in range(points)}):
        died, current = killed_at(folder, published, step)
        assert died
        seen.append(current)
    assert len(seen) == points
    assert set(seen) == {"old", "new"}
    assert seen == sorted(seen, reverse=True)


def test_a_tenth_of_the_points(tmp_path: Path, published: Path) -> None:
    killed_all_along(tmp_path / "copy", published, POINTS // 10)


@pytest.mark.slow
def test_every_point(tmp_path: Path, published: Path) -> None:
    killed_all_along(tmp_path / "copy", published, POINTS)
