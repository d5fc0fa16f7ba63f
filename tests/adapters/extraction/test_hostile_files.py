"""Some three hundred files made to hurt: each is refused by name or taken, in seconds, and the next one is read."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from file_makers import NO_MAPPING
from hostile_files import Hostile, hostile_files

from app.adapters.extraction.extractor import ConfinedExtractor
from app.adapters.extraction.limits import Limits
from app.errors import DocumentRefused

_REASONS = {
    "binary", "duplicate_id", "empty", "encrypted", "front_matter", "nested_archive", "no_columns", "no_such_column",
    "no_text", "ragged_rows", "too_deep", "too_large", "too_large_inside", "too_many_columns", "too_many_documents",
    "too_many_entries", "too_many_pages", "too_many_sections", "too_much_text", "too_slow", "unknown_format",
    "unreadable", "unsafe_name", "unsafe_xml", "wrong_encoding", "wrong_format",
}  # fmt: skip
_LIMITS = Limits(seconds=4.0)
_SECONDS = 5.0
_HEALTHY = b"# VPN\n\nThe client says 809."


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the readers a folder to work in, where nothing may lie afterwards."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


class Watch:
    """The most memory any of our children had while it was looked at, `others` aside."""

    def __init__(self, others: set[psutil.Process]) -> None:
        self.peak = 0
        self._others = others

    async def look(self) -> None:
        """Look again and again until cancelled."""
        while True:
            for process in set(psutil.Process().children()) - self._others:
                try:
                    self.peak = max(self.peak, process.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            await asyncio.sleep(0.1)


async def _verdict(extractor: ConfinedExtractor, hostile: Hostile) -> str:
    content = await asyncio.to_thread(hostile.make)
    begun = time.monotonic()
    try:
        await extractor.extract(hostile.name, content, NO_MAPPING)
    except DocumentRefused as refused:
        reason, detail = refused.reason, refused.detail
    else:
        reason, detail = "", ""
    assert time.monotonic() - begun < _SECONDS, hostile.name
    assert reason in _REASONS | {""}
    assert "/" not in detail.replace("word/document.xml", "")
    return reason


async def _survive(files: list[Hostile]) -> None:
    others = set(psutil.Process().children())
    watch, extractor = Watch(others), ConfinedExtractor(_LIMITS, processes=1)
    looking = asyncio.create_task(watch.look())
    wrong = []
    for at, hostile in enumerate(files):
        reason = await _verdict(extractor, hostile)
        if hostile.reason and reason != hostile.reason:
            wrong.append((hostile.name, reason, hostile.reason))
        if at % 10 == 0:
            assert (await extractor.extract("a.md", _HEALTHY, NO_MAPPING))[0].title == "VPN"
    assert (await extractor.extract("a.md", _HEALTHY, NO_MAPPING))[0].title == "VPN"
    looking.cancel()
    extractor.close()
    assert wrong == []
    assert 0 < watch.peak <= _LIMITS.memory_bytes
    assert set(psutil.Process().children()) <= others


async def test_a_tenth_of_them(empty: Path) -> None:
    files = hostile_files(7)
    assert len(files) >= 300
    await _survive(files[::10])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 8])
async def test_all_of_them(seed: int, empty: Path) -> None:
    await _survive(hostile_files(seed))


def _articles() -> list[bytes]:
    folder = os.environ.get("ARTICLES_FOLDER")
    return [path.read_bytes() for path in sorted(Path(folder).rglob("*.md"))] if folder else []


@pytest.mark.slow
async def test_real_articles_are_all_read(capsys: pytest.CaptureFixture[str]) -> None:
    contents = await asyncio.to_thread(_articles)
    if not contents:
        pytest.skip("ARTICLES_FOLDER names no folder of Markdown files")
    extractor = ConfinedExtractor(processes=2)
    await extractor.extract("a.md", _HEALTHY, NO_MAPPING)
    begun = time.monotonic()
    found = await asyncio.gather(*(extractor.extract("a.md", content, NO_MAPPING) for content in contents))
    rate = len(contents) / (time.monotonic() - begun)
    extractor.close()
    with capsys.disabled():
        print(f"{len(contents)} files read, {rate:.0f} a second")  # noqa: T201
    assert all(documents[0].title and documents[0].sections for documents in found)
    assert rate >= 100
