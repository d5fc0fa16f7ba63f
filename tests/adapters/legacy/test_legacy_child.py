"""What the reading process writes, seen from inside, where its limits are left out."""

import io
import json
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faiss
import numpy as np
import pytest

from app.adapters.legacy import child
from app.adapters.legacy.shapes import measure
from app.adapters.legacy.vectors import look_at_npy
from app.errors import DocumentRefused

Limits = list[tuple[int, int]]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    asked: Limits = []
    monkeypatch.setattr(child, "_limit", lambda seconds, memory: asked.append((seconds, memory)))
    return asked


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str, data: bytes) -> list[Any]:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert child.main([kind, str(len(data))]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_rows_come_after_their_number(
    limits: Limits, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"text": "a"}, {"text": "b"}]
    expected = [{"shape": "a list of objects", "rows": 2}, *({"row": row} for row in rows)]
    assert said(monkeypatch, capsys, "pickle", pickle.dumps(rows)) == expected
    assert said(monkeypatch, capsys, "json", json.dumps(rows).encode()) == expected
    assert said(monkeypatch, capsys, "object", b'{"a": 1}') == [{"object": {"a": 1}}]
    assert {seconds for seconds, _ in limits} == {1}


def test_refusals_are_lines_too(
    limits: Limits, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for data in (b"\xff", b"{", b"[" * 100_000, b"1" * 5000, b"1"):
        [line] = said(monkeypatch, capsys, "json", data)
        assert set(line) == {"refused", "detail"}

    def exhausted(_data: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr(child, "read_pickle", exhausted)
    assert said(monkeypatch, capsys, "pickle", b".")[0]["refused"] == "too_large"


def test_vectors_may_take_twice_their_size(
    limits: Limits, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    index = faiss.IndexFlatL2(4)
    index.add(np.ones((3, 4), np.float32))
    data = faiss.serialize_index(index).tobytes()
    [line] = said(monkeypatch, capsys, "faiss", data)
    assert line["vectors"] == {"format": "flat index, L2", "count": 3, "dimension": 4, "finite": True}
    assert said(monkeypatch, capsys, "pickle", b"].")[0]["rows"] == 0
    assert limits[0][1] - limits[1][1] == 2 * len(data)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.array([{}], dtype=object), "pickled objects"),
        (np.ones((2, 2), np.int64), "expected floating"),
        (np.ones((2, 2), np.longdouble), "expected floating"),
        (np.ones(3, np.float32), "1 dimensions"),
        (np.ones((0, 0), np.float32), "dimension 0"),
    ],
)
def test_arrays_that_are_no_vectors(tmp_path: Path, value: Any, reason: str) -> None:
    path = tmp_path / "e.npy"
    np.save(path, value, allow_pickle=True)
    with path.open("rb") as file, pytest.raises(DocumentRefused, match=reason):
        look_at_npy(file, path.stat().st_size)


@pytest.mark.parametrize(("value", "finite"), [(1.0, True), (np.inf, False), (np.nan, False)])
def test_arrays_are_looked_at_whole(tmp_path: Path, value: float, finite: bool) -> None:
    path = tmp_path / "e.npy"
    vectors = np.ones((3, 4), np.float16)
    vectors[2, 3] = value
    np.save(path, vectors)
    with path.open("rb") as file:
        assert look_at_npy(file, path.stat().st_size).finite is finite


def test_names_and_values_of_objects_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.adapters.legacy.shapes.MAX_CHARS", 10)
    measure({"12345": ["1234"], 1: {b"5"}})
    with pytest.raises(DocumentRefused, match="10 characters"):
        measure({"12345": ["123456"]})
    with pytest.raises(DocumentRefused, match="10 characters"):
        measure({"12345678901": None})
