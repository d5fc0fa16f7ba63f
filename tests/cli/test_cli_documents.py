"""`index add|remove|list|watch` over folders, with a quick extractor and index in place of the models."""

import asyncio
import json
import sys
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.cli import documents as commands
from app.cli.main import main
from app.errors import IndexCorrupt
from tests.document_builders import FakeIndexer, Place, opened


class Lazy(FakeIndexer):
    """An indexer that tells whether it was loaded."""

    async def load(self) -> "Lazy":
        return self


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    (tmp_path / "docs").mkdir()
    with opened(tmp_path / "state") as found:

        @asynccontextmanager
        async def open_desk() -> AsyncIterator[Any]:
            indexer: Any = Lazy(found.catalogue)
            # Every command has an event loop of its own.
            runner = replace(found.documents.runner, _woken=asyncio.Event())
            yield commands.Desk(found.catalogue, replace(found.documents, runner=runner), indexer)

        monkeypatch.setattr(commands, "open_desk", open_desk)
        monkeypatch.setenv("COLUMNS", "200")
        yield found


def write(place: Place, name: str, text: str) -> Path:
    path = place.root.parent / "docs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(*arguments: object) -> int:
    return main(["index", *map(str, arguments)])


def counts(capsys: pytest.CaptureFixture[str]) -> tuple[list[int], str]:
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if line.startswith("│"))
    return [int(cell) for cell in row.strip("│").split("│")], printed


def test_a_folder_is_taken_in_once(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(place, "a.md", "one").parent
    write(place, "sub/b.txt", "two")
    write(place, ".hidden.md", "x")
    write(place, "c.exe", "x")
    (folder / "link.md").symlink_to(folder / "a.md")
    assert run("add", folder) == 0
    figures, printed = counts(capsys)
    assert figures == [2, 0, 0, 0, 3, 0]
    for name, reason in ((".hidden.md", "is hidden"), ("link.md", "is a link"), ("c.exe", "type that is not read")):
        assert any(name in line and reason in line for line in printed.splitlines())
    assert place.indexer.texts() == ["one", "two"]
    assert run("add", folder) == 0
    assert counts(capsys)[0] == [0, 2, 0, 0, 3, 0]
    assert place.indexer.refreshed == 1
    write(place, "a.md", "changed")
    assert run("add", folder, folder / "a.md") == 0
    assert counts(capsys)[0][:3] == [0, 1, 1]
    assert place.indexer.texts() == ["changed", "two"]


def test_what_is_refused_is_named_and_fails_the_command(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(place, "a.md", "one").parent
    write(place, "bad.md", "BAD")
    write(place, "empty.md", "")
    write(place, "twin.md", "one")
    unreadable = write(place, "big.md", "x" * 2000)
    assert run("add", folder) == 1
    figures, printed = counts(capsys)
    assert (figures[0], figures[-1]) == (1, 4)
    for reason in ("unreadable: is damaged", "is empty", "there is a document with this content", "is larger than"):
        assert f"{reason}" in printed
    assert str(unreadable) in printed
    assert run("add", folder) == 1


def test_an_index_that_cannot_be_built_fails_the_command(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.indexer.error = IndexCorrupt("x")
    path = write(place, "a.md", "one")
    assert run("add", path) == 1
    assert "the index could not be built (index_corrupt)" in capsys.readouterr().out
    place.indexer.error = None
    assert run("add", path) == 0


def test_many_faults_are_counted(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(130):
        write(place, f"{number}.md", f"BAD {number}")
    assert run("add", place.root.parent / "docs") == 1
    figures, printed = counts(capsys)
    assert figures[-1] == 130
    assert "refused: 110 more" in printed


def test_prune_deletes_what_is_gone(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(place, "a.md", "one")
    write(place, "b.md", "two")
    run("add", path.parent)
    path.unlink()
    run("add", path.parent)
    assert place.indexer.texts() == ["one", "two"]
    capsys.readouterr()
    assert run("add", "--prune", path.parent) == 0
    assert counts(capsys)[0] == [0, 1, 0, 1, 0, 0]
    assert place.indexer.texts() == ["two"]


def test_documents_are_removed_by_id_path_and_pattern(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.md", "b.md", "c.txt", "d/e.md"):
        write(place, name, name)
    docs = place.root.parent / "docs"
    run("add", docs)
    capsys.readouterr()
    run("list", "--json", "--state", "ready")
    listed = json.loads(capsys.readouterr().out)
    ids = {document["name"]: document["id"] for document in listed["documents"]}
    assert (listed["total"], set(ids)) == (4, {"a.md", "b.md", "c.txt", "e.md"})
    assert run("remove", ids["a.md"], docs / "d") == 0
    assert run("remove", "*.txt") == 0
    assert place.indexer.texts() == ["b.md"]
    assert run("remove", "nothing*", ids["a.md"], docs / "x") == 1
    assert capsys.readouterr().err.count("no document is meant by") == 3
    assert run("list") == 0
    assert "b.md" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [("add", "nowhere"), ("add", ".", "--mapping", "="), ("list", "--state", "x")])
def test_a_wrong_call_is_refused(place: Place, arguments: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as left:
        sys.exit(run(*(tmp_path / one if one == "nowhere" else one for one in arguments)))
    assert left.value.code == 2


def test_a_link_that_is_named_is_not_followed(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(place, "a.md", "one")
    link = path.with_name("link.md")
    link.symlink_to(path)
    assert run("add", link) == 0
    assert counts(capsys)[0] == [0, 0, 0, 0, 1, 0]


async def test_a_folder_is_watched(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "WATCH_SECONDS", 0.05)
    path = write(place, "a.md", "one")
    write(place, "bad.md", "BAD")
    options = Namespace(path=path.parent, mapping="")
    watching = asyncio.create_task(commands.watch_folder(options))
    for text, expected in (("one", ["one"]), ("two", ["two"])):
        path.write_text(text)
        began = time.monotonic()
        while place.indexer.texts() != expected:
            assert time.monotonic() - began < 2
            await asyncio.sleep(0.02)
    path.unlink()
    await asyncio.sleep(1)
    assert place.indexer.texts() == []
    assert len(place.extractor.read) == 3, "what failed is tried once"
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert "removed 1" in capsys.readouterr().out


def test_a_command_leaves_work_to_a_service_that_runs(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(place, "a.md", "one")

    async def both() -> None:
        with opened(place.root) as service:
            async with service.documents.running():
                await asyncio.sleep(0.05)
                await commands.add_files(Namespace(paths=[path], mapping="", prune=False))
                assert service.indexer.texts() == ["one"]

    asyncio.run(both())
    assert place.indexer.refreshed == 0
    assert counts(capsys)[0][0] == 1
