"""How tasks of conversations are read."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.domain.conversations import Role
from app.errors import KnowledgeInvalid
from app.services.evaluation.conversations import SERVICE, Found
from benchmarks.mtrag import ALONE, compared, main, read_tasks

ROW: dict[str, Any] = {
    "id": "c1<::>2",
    "domain": "cloud",
    "query": " And there? ",
    "history": [{"role": "user", "text": "Where is it?"}, {"role": "agent", "text": "Here."}],
    "answerability": "PARTIAL",
    "gold_passages": ["p1"],
}


def written(folder: Path, *rows: object) -> Path:
    path = folder / "tasks.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_a_task_is_read_with_its_history(tmp_path: Path) -> None:
    [task] = read_tasks(written(tmp_path, ROW))
    assert (task.text, task.relevant, task.label) == ("And there?", ("p1",), "PARTIAL")
    assert [turn.role for turn in task.history] == [Role.USER, Role.ASSISTANT]


def test_what_cannot_be_answered_has_nothing_relevant(tmp_path: Path) -> None:
    [task] = read_tasks(written(tmp_path, ROW | {"answerability": "UNANSWERABLE"}))
    assert task.relevant == ()


@pytest.mark.parametrize("row", [{}, [], {**ROW, "history": [{"role": "nobody", "text": ""}]}])
def test_a_line_that_is_no_task_is_named(tmp_path: Path, row: object) -> None:
    with pytest.raises(KnowledgeInvalid) as refused:
        read_tasks(written(tmp_path, ROW, row))
    assert refused.value.line == 2


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    assert "tasks.jsonl" in capsys.readouterr().err


def test_gains_are_paired_over_what_can_be_answered(tmp_path: Path) -> None:
    answered, lost = read_tasks(written(tmp_path, ROW, ROW | {"id": "x", "answerability": "UNANSWERABLE"}))
    alone = [Found(answered, 0.2, 0.0, False), Found(lost, 0.0, 0.0, False)]
    ours = [Found(answered, 0.7, 0.0, False), Found(lost, 0.0, 0.0, True)]
    gain = compared({ALONE: alone, SERVICE: ours})
    assert gain["gain"] == pytest.approx(0.5)
    assert gain["p"] == 1.0
