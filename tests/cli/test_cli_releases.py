"""`releases`: listed, compared, gone back to, and named when they are not there."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.knowledge_folder import Place, built, copy_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("releases")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    """Return a place with two releases, the later one after an article was changed."""
    made = copy_of(original, tmp_path, monkeypatch)
    text = made.article.read_text("utf-8")
    made.article.write_text(text.replace("Restart the router", "Unplug the router"), "utf-8")
    assert made.run("index") == 0
    return made


def test_only_what_changed_was_embedded_and_the_difference_is_shown(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = capsys.readouterr().out
    assert printed.startswith("built (1 of 36 passages embedded): release ")
    assert "changed: 1 (vpn-error-809)" in printed
    assert "golden questions that find their document: " in printed
    assert len(place.releases) == 2


def test_releases_are_listed_newest_first(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert place.run("releases", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)["releases"]
    assert [(item["release"], item["current"]) for item in listed] == [
        (place.releases[1], True),
        (place.releases[0], False),
    ]
    assert (listed[0]["embedded"], listed[1]["embedded"]) == (1, 36)
    assert place.run("releases", "list") == 0
    assert f"{place.releases[1]} *" in capsys.readouterr().out


def test_two_releases_are_compared(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert place.run("releases", "diff") == 0
    assert f"from {place.releases[0]} to {place.releases[1]}" in capsys.readouterr().out
    assert place.run("releases", "diff", place.releases[1], place.releases[0], "--json") == 0
    compared = json.loads(capsys.readouterr().out)
    assert (compared["old"], compared["new"]) == (place.releases[1], place.releases[0])
    assert compared["changed"] == ["vpn-error-809"]


def test_going_back_and_forth(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = place.releases
    assert place.run("releases", "rollback") == 0
    assert f"in use: release {old}" in capsys.readouterr().out
    assert place.run("index") == 0
    assert capsys.readouterr().out.startswith(f"up to date: release {old}")
    assert place.run("releases", "diff") == 0
    assert f"from {old} to {new}" in capsys.readouterr().out
    assert place.run("releases", "activate", new) == 0
    assert f"in use: release {new}" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["20260301T120000Z-0123456789ab", "../../etc", ""])
def test_a_release_that_is_not_there_is_said_so(place: Place, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert place.run("releases", "activate", name) == 1
    assert "index release not found" in capsys.readouterr().err


def test_where_nothing_was_built_the_way_out_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.set(INDEX_DIR=place.root / "nothing")
    assert place.run("releases", "list") == 2
    assert "remedy: python -m app index" in capsys.readouterr().err
    assert place.run("releases", "rollback") == 1
