"""Rankings on disk: what is written is read back, and damage is named by line."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.adapters.per_query_files import check_writable, read_per_query, write_per_query
from app.domain.evaluation import RankedQuery
from app.errors import KnowledgeInvalid, StartRefused

FIGURES = {"ndcg@10": 0.63093, "mrr@10": 0.5, "recall@10": 1.0, "hit@1": 0.0}
ROWS = [
    # A line separator and a form feed, which end lines for `str.splitlines` though not in JSON lines.
    RankedQuery("q1", "Drucker\u2028offline\x0c?", ("a",), (("b", 0.75), ("a", 0.5)), FIGURES, 3.25, "German"),
    RankedQuery("q2", "nothing found", ("c", "d"), (), dict.fromkeys(FIGURES, 0.0), 0.0),
]
LINE: dict[str, Any] = {
    "id": "q1",
    "group": "",
    "text": "t",
    "relevant": ["a"],
    "ranked": [{"id": "a", "score": 0.5}],
    **FIGURES,
    "milliseconds": 1.5,
}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "rows.jsonl"
    write_per_query(path, ROWS)
    assert read_per_query(path) == ROWS
    assert [json.loads(line)["id"] for line in path.read_text("utf-8").split("\n") if line] == ["q1", "q2"]
    write_per_query(path, ROWS[1:])
    assert read_per_query(path) == ROWS[1:]
    assert [item.name for item in path.parent.iterdir()] == ["rows.jsonl"]


DAMAGE = {
    "cut off": ('{"id": "q2", "te', "Invalid JSON"),
    "no object": ("[1]", "Input should be an object"),
    "another file": ('{"question": "?"}', "id: Field required"),
    "a field lost": (json.dumps({**LINE, "id": "q2", "mrr@10": None}), "mrr@10: Input should be a valid number"),
    "a figure too high": (json.dumps({**LINE, "id": "q2", "ndcg@10": 1.5}), "ndcg@10: Input should be less than"),
    "a figure below 0": (json.dumps({**LINE, "id": "q2", "hit@1": -1}), "hit@1: Input should be greater than"),
    "no number": (json.dumps({**LINE, "id": "q2", "milliseconds": float("nan")}), "milliseconds: Input should be"),
    "a hit without score": (json.dumps({**LINE, "id": "q2", "ranked": [{"id": "a"}]}), "ranked.0.score: Field"),
    "an unknown field": (json.dumps({**LINE, "id": "q2", "extra": 1}), "extra: Extra inputs"),
    "an id twice": (json.dumps(LINE), "id 'q1' is used twice"),
}


@pytest.mark.parametrize(("second", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_line_is_named(tmp_path: Path, second: str, reason: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(LINE)}\n\n{second}\n", "utf-8")
    with pytest.raises(KnowledgeInvalid) as caught:
        read_per_query(path)
    assert (caught.value.path, caught.value.line) == (str(path), 3)
    assert reason in caught.value.reason


@pytest.mark.parametrize(("content", "reason"), [(b"", "holds no query"), (b"\n \n", "holds no"), (b"\xff", "UTF-8")])
def test_a_file_without_queries_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(KnowledgeInvalid, match=reason):
        read_per_query(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeInvalid, match=r"none\.jsonl:1: cannot be read: No such file"):
        read_per_query(tmp_path / "none.jsonl")


def test_what_cannot_be_written_is_refused_before_and_after(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    below = tmp_path / "file" / "rows.jsonl"
    for path in (below, tmp_path):
        with pytest.raises(StartRefused, match="cannot be written"):
            check_writable(path)
    with pytest.raises(StartRefused, match="cannot be written"):
        write_per_query(below, ROWS)
    check_writable(tmp_path / "new" / "rows.jsonl")
    assert not (tmp_path / "new").exists()
