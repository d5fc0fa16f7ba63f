"""What is written aside appears whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from app.modelfiles.aside import remove, written_aside


def test_a_file_appears_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "new" / "model.gguf"
    with written_aside(target) as draft:
        draft.write_text("whole")
        assert draft.suffix == ".gguf"
        assert not target.exists()
    assert target.read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["model.gguf"]


def test_a_folder_replaces_the_one_before(tmp_path: Path) -> None:
    target = tmp_path / "model"
    for content in ("old", "new"):
        with written_aside(target) as draft:
            draft.mkdir()
            (draft / content).write_text(content)
    assert [path.name for path in target.iterdir()] == ["new"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.write_text("old")

    def fail() -> None:
        with written_aside(target) as draft:
            draft.mkdir()
            (draft / "part").write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_another_process_may_be_quicker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "model"

    def taken(self: Path, to: Path) -> None:
        to.mkdir()
        (to / "theirs").write_text("")
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))

    monkeypatch.setattr(Path, "replace", taken)
    with written_aside(target) as draft:
        draft.mkdir()
    assert [path.name for path in target.iterdir()] == ["theirs"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_any_other_error_while_moving_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, to: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="space"), written_aside(tmp_path / "model") as draft:
        draft.write_text("")


def test_what_a_killed_process_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    old, young = tmp_path / ".1-aa.model", tmp_path / ".2-bb.model"
    old.mkdir()
    young.mkdir()
    os.utime(old, (1, 1))
    # What another process removes between our listing and our looking.
    (tmp_path / ".3-cc.model").symlink_to("gone")
    with written_aside(tmp_path / "model") as draft:
        draft.write_text("")
    assert not old.exists()
    assert young.exists()


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    remove(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []
