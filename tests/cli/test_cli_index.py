"""`index`: a release is built when something changed, and a fault leaves the old one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import Settings
from app.container import open_parts
from app.domain.conversations import Question
from tests.knowledge_folder import Place, built, copy_of

ASKED = Question("my vpn reports error 809")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("index")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_a_release_is_built_once(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    [release] = place.releases
    assert place.run("index") == 0
    assert capsys.readouterr().out == f"up to date: release {release}, 9 documents, 36 passages\n"
    assert place.releases == [release]


def test_force_builds_another(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    old = place.releases
    assert place.run("index", "--force") == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("built (36 of 36 passages embedded): release ")
    assert "36/36" in printed.err
    assert len(place.releases) == 2
    assert place.releases[0] == old[0]


def test_a_changed_article_is_built_in(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    edit(place.article, "Restart the router", "Unplug the router")
    assert place.run("index") == 0
    assert capsys.readouterr().out.startswith("built (1 of 36 passages embedded): ")
    assert place.run("ask", ASKED.text) == 0
    assert "Unplug the router" in capsys.readouterr().out


BROKEN = {
    "no front matter": ("---\nid:", "id:", 1, "front matter"),
    "an unknown field": ("owner:", "colour: red\nowner:", 10, "colour"),
    "steps out of order": ("2. [admin]", "3. [admin]", 24, "expected step 2"),
    "an empty section": ("A router drops the packets of the VPN tunnel.", "", 17, "is empty"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_article_is_refused_by_file_and_line(
    place: Place, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    old, new, line, reason = BROKEN[fault]
    before = place.releases
    edit(place.article, old, new)
    assert place.run("index") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    first, remedy = printed.err.strip().splitlines()[-2:]
    assert first.startswith(f"error [knowledge_invalid]: {place.article}:")
    assert reason in first
    assert int(first.removeprefix(f"error [knowledge_invalid]: {place.article}:").partition(":")[0]) == line
    assert remedy == "remedy: correct the file; the index in use stays as it was"
    assert place.releases == before


def test_mended_again_the_old_release_is_still_the_right_one(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    whole = place.article.read_bytes()
    [release] = place.releases
    place.article.write_bytes(b"\xff\xfe")
    assert place.run("index", "--force") == 2
    place.article.write_bytes(whole)
    capsys.readouterr()
    assert place.run("index") == 0
    assert capsys.readouterr().out.startswith(f"up to date: release {release}, ")


async def test_who_serves_goes_on_with_the_old_index(place: Place) -> None:
    async with open_parts(Settings.load(), ephemeral=True) as parts:
        before = await parts.chat.ask(ASKED)
        place.article.write_text("no article any more", "utf-8")
        assert await asyncio.to_thread(place.run, "index") == 2
        after = await parts.chat.ask(ASKED)
    assert after.draft == before.draft
    assert after.draft.citations


@pytest.mark.parametrize("twice", ["vpn-error-809", "T-1"])
def test_an_id_used_twice_is_refused_with_both_places(
    place: Place, capsys: pytest.CaptureFixture[str], twice: str
) -> None:
    if twice == "T-1":
        edit(place.data / "tickets.json", '"T-2"', '"T-1"')
    else:
        (place.data / "knowledge" / "copy.md").write_bytes(place.article.read_bytes())
    assert place.run("index") == 2
    assert f"id '{twice}' is used twice, first in" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.set(DATA_DIR=place.root / "nowhere")
    assert place.run("index") == 2
    assert "nowhere/knowledge:1: is not a folder" in capsys.readouterr().err
