"""`import-legacy`: the knowledge of an older installation is taken once, and everything else is named."""

import argparse
import json
import pickle
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from app.adapters.language import open_detector
from app.adapters.sources.imported import ImportedFolder
from app.cli import console, importing, indexing
from app.domain.knowledge import DocumentKind
from app.errors import DocumentRefused, StartRefused

PAGES = [
    {
        "subject": "VPN fails",
        "answer": "Restart the router and connect the VPN again.",
        "metadata": {"category": "vpn"},
    },
    {"subject": "Drucker", "answer": "Schalten Sie den Drucker aus und wieder ein, dann druckt er wieder."},
    {"subject": "empty"},
]
TICKETS = [{"description": "No mail since noon.", "summary": "The mailbox was full."}]


@pytest.fixture(scope="module")
def detector() -> Any:
    return open_detector()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "it_support_metadata.pkl").write_bytes(pickle.dumps(PAGES))
    index = faiss.IndexFlatIP(4)
    index.add(np.ones((3, 4), np.float32))
    faiss.write_index(index, str(folder / "it_support_faiss_index.bin"))
    (folder / "it_support_config.json").write_text('{"dimension": 4}', "utf-8")
    (folder / "ticket_summaries.json").write_text(json.dumps(TICKETS), "utf-8")
    np.save(folder / "ticket_embeddings.npy", np.ones((1, 4), np.float32))
    return folder


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detector: Any) -> list[bool]:
    """Point the environment to a folder; returns the builds of the index that were asked for."""
    asked: list[bool] = []

    async def index(*, force: bool) -> int:
        asked.append(force)
        console.out.print("built")
        return 0

    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(indexing, "index", index)
    monkeypatch.setattr(importing, "open_detector", lambda: detector)
    return asked


async def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    importing.add_arguments(parser)
    return await importing.import_legacy(parser.parse_args([str(argument) for argument in arguments]))


def documents(tmp_path: Path) -> list[tuple[DocumentKind, str, str]]:
    folder = ImportedFolder(tmp_path / "data" / "imported")
    return [(document.kind, document.title, document.language) for document in folder.documents()]


async def test_a_folder_is_taken_once(
    old: Path, tmp_path: Path, built: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(old) == 0
    printed = capsys.readouterr().out
    assert "taken 3 of 4, duplicates 0, already imported 0, refused 1" in printed
    assert f"refused: {old}/it_support_metadata.pkl row 3: holds no text" in printed
    assert "vectors: 3 of 4" in printed
    assert printed.count("not taken: ") == 3
    assert documents(tmp_path) == [
        (DocumentKind.PAGE, "VPN fails", "en"),
        (DocumentKind.PAGE, "Drucker", "de"),
        (DocumentKind.TICKET, "No mail since noon.", "en"),
    ]
    files = list((tmp_path / "data" / "imported").iterdir())
    assert await run(old) == 0
    printed = capsys.readouterr().out
    assert "taken 0 of 4, duplicates 0, already imported 3, refused 1" in printed
    assert "written" not in printed
    assert list((tmp_path / "data" / "imported").iterdir()) == files
    assert built == [False, False]


async def test_a_dry_run_writes_nothing(
    old: Path, tmp_path: Path, built: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(old, "--dry-run") == 0
    assert "would take 3 of 4" in capsys.readouterr().out
    assert not (tmp_path / "data").exists()
    assert built == []


async def test_the_report_is_json_alone(old: Path, built: list[bool], capsys: pytest.CaptureFixture[str]) -> None:
    assert await run("--tickets", old / "ticket_summaries.json", "--json") == 0
    printed = capsys.readouterr()
    made = json.loads(printed.out)
    assert (made["taken"], made["rows"], made["written"].rpartition("/")[2][:7]) == (1, 1, "legacy-")
    assert "built" in printed.err
    assert built == [False]
    assert await run("--tickets", old / "ticket_summaries.json", "--json", "--no-index") == 0
    assert built == [False]


async def test_a_hostile_pickle_is_refused_and_nothing_is_written(old: Path, tmp_path: Path, built: list[bool]) -> None:
    (old / "it_support_metadata.pkl").write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")
    with pytest.raises(DocumentRefused, match=r"it_support_metadata\.pkl: byte 0: opcode GLOBAL \('os system'\)"):
        await run(old)
    assert not (tmp_path / "data").exists()
    assert built == []


async def test_json_takes_the_place_of_a_pickle(
    old: Path, built: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    (old / "it_support_metadata.json").write_text(json.dumps(PAGES), "utf-8")
    (old / "it_support_metadata.pkl").write_bytes(b"cos\nsystem\n.")
    assert await run(old) == 0
    assert "it_support_metadata.pkl is not read" in capsys.readouterr().err


async def test_where_no_row_can_be_used_the_command_fails(
    old: Path, built: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    (old / "t.json").write_text(json.dumps([{"description": str(number)} for number in range(25)]), "utf-8")
    assert await run("--tickets", old / "t.json") == 1
    assert "refused: and 5 more" in capsys.readouterr().out
    assert built == []


async def test_wrong_calls_are_told_apart(old: Path, tmp_path: Path, built: list[bool]) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, reason in (
        ((), "name a folder, or files"),
        ((old, "--tickets", old / "ticket_summaries.json"), "not both"),
        ((tmp_path / "nowhere",), "is not a folder"),
        ((tmp_path / "empty",), "no texts to import"),
        (("--index", old / "it_support_faiss_index.bin"), "no texts to import"),
    ):
        with pytest.raises(StartRefused, match=reason):
            await run(*arguments)
