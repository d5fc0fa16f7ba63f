"""What `index add|remove|list|watch` open and load, and how they end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from app.cli import documents as commands
from app.cli import folders
from app.config import Settings
from app.container.documents import LazyIndexer, open_documents
from tests.document_builders import FakeIndexer, opened

ROOT = Path(__file__).parents[2]


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "STATE_DIR": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}


def test_a_process_that_has_nothing_to_do_loads_no_model(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    script = (
        "import sys; from app.cli.main import main\n"
        "status = main(['index', 'add', 'docs'])\n"
        "print([name for name in ('openvino', 'torch', 'tokenizers', 'transformers') if name in sys.modules])\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]"), done.stderr


def test_the_service_is_opened_from_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("MAX_FILE_SIZE_MB", "0.5")

    async def opened_desk() -> tuple[int, frozenset[str]]:
        async with commands.open_desk() as desk:
            assert isinstance(desk.indexer, LazyIndexer)
            return desk.documents.submission.most, desk.documents.submission.suffixes

    most, suffixes = asyncio.run(opened_desk())
    assert most == 512 * 1024
    assert {"md", "html", "txt", "pdf", "docx", "csv", "json", "jsonl"} <= suffixes


async def test_an_indexer_is_loaded_once_and_when_it_is_needed(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        loaded = []

        @asynccontextmanager
        async def load() -> AsyncIterator[FakeIndexer]:
            loaded.append(1)
            yield place.indexer
            loaded.append(0)

        async with AsyncExitStack() as stack:
            lazy = LazyIndexer(stack, load)
            assert loaded == []
            await asyncio.gather(*(lazy.refresh(lambda _done, _total: None) for _ in range(3)))
            assert loaded == [1]
        assert loaded == [1, 0]
        async with open_documents(Settings.load(None), place.catalogue, lazy) as service:
            assert service.runner.reader.language("Der Drucker druckt nur noch leere Seiten aus.") == "de"


@pytest.mark.slow
def test_ctrl_c_stops_a_watch_cleanly(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    command = [sys.executable, "-m", "app", "index", "watch", "docs"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "watching" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert "Traceback" not in process.stderr.read()


def test_taken_says_it_in_one_line() -> None:
    taken = folders.Taken(accepted=1, faults={"a.md": "is empty"})
    assert taken.line() == "accepted 1, replaced 0, removed 0, refused 1; a.md: is empty"
