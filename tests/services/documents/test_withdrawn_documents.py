"""A document that was ready is not called so while the release in use lacks it."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from app.domain.documents import FileFilter, FileRecord, FileState
from app.services.documents.reporting import Reporting
from tests.builders import document, release


class Held:
    """The Records port over files in memory."""

    def __init__(self, *files: FileRecord) -> None:
        self.held = files

    def file(self, file_id: str) -> tuple[FileRecord, str]:
        return next((item, "key") for item in self.held if item.id == file_id)

    def files(self, _chosen: FileFilter, _after: int, _limit: int) -> tuple[tuple[FileRecord, ...], int]:
        return self.held, len(self.held)


def record(name: str, state: FileState = FileState.READY) -> FileRecord:
    blank = object.__new__(FileRecord)
    values: dict[str, Any] = dict.fromkeys(FileRecord.__dataclass_fields__, "")
    for field, value in {**values, "id": name, "state": state}.items():
        object.__setattr__(blank, field, value)
    return replace(blank)


@pytest.fixture
def report(tmp_path: Path) -> Reporting:
    opened = release(tmp_path, document("one", "Text."), document("table:1", "A row."))
    records = Held(record("one"), record("table"), record("gone"), record("new", FileState.INDEXING))
    return Reporting(cast("Any", records), cast("Any", None), lambda: opened)


async def test_what_the_release_in_use_lacks_is_withdrawn(report: Reporting) -> None:
    files, total = await report.files(FileFilter())
    assert total == 4
    assert {item.id: item.state for item in files} == {
        "one": FileState.READY,
        "table": FileState.READY,
        "gone": FileState.WITHDRAWN,
        "new": FileState.INDEXING,
    }
    assert (await report.file("gone")).state is FileState.WITHDRAWN
    assert (await report.file("one")).state is FileState.READY


async def test_where_nobody_knows_the_release_nothing_is_said(report: Reporting) -> None:
    blind = replace(report, in_use=lambda: None)
    assert (await blind.file("gone")).state is FileState.READY
