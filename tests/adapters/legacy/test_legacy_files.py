"""Old files, read in processes of their own: what they hold, and how broken ones are refused."""

import json
import os
import pickle
import struct
import sys
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from app.adapters.legacy import apart
from app.adapters.legacy.apart import read_apart
from app.adapters.legacy.limits import KINDS, Kind
from app.adapters.legacy.reader import LegacyPaths, read_legacy
from app.adapters.legacy.vectors import look_at_faiss, look_at_npy
from app.domain.knowledge import DocumentKind
from app.errors import DocumentRefused

ROWS = [{"subject": "VPN", "answer": "Größe"}, {"subject": "Mail", "answer": "\ud800"}]
VECTORS = np.random.default_rng(1).random((40, 8)).astype(np.float32)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def write_index(path: Path, kind: str = "Flat", vectors: Any = VECTORS) -> Path:
    index = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    if kind.startswith("IDMap"):
        index.add_with_ids(vectors, np.arange(len(vectors)))
    else:
        index.add(vectors)
    faiss.write_index(index, str(path))
    return path


def test_all_files_are_read(tmp_path: Path) -> None:
    config = {"Embedding_Model": "all-MiniLM-L6-v2", "dimension": 8, "ntotal": 40, "chunk": 5}
    np.save(tmp_path / "e.npy", VECTORS.astype(np.float64))
    data = read_legacy(
        LegacyPaths(
            metadata=write(tmp_path / "m.pkl", pickle.dumps(ROWS)),
            index=write_index(tmp_path / "i.bin"),
            config=write(tmp_path / "c.json", json.dumps(config).encode("utf-8-sig")),
            tickets=write(tmp_path / "t.json", json.dumps(ROWS[:1]).encode()),
            ticket_embeddings=tmp_path / "e.npy",
        )
    )
    assert [(table.kind, table.shape, list(table.rows)) for table in data.tables] == [
        (DocumentKind.PAGE, "a list of objects", ROWS),
        (DocumentKind.TICKET, "a list of objects", ROWS[:1]),
    ]
    assert data.index is not None
    assert (data.index.count, data.index.dimension, data.index.finite) == (40, 8, True)
    assert data.ticket_embeddings is not None
    assert (data.ticket_embeddings.format, data.ticket_embeddings.finite) == ("npy float64", True)
    assert data.config is not None
    assert (data.config.model, data.config.dimension, data.config.count) == ("all-MiniLM-L6-v2", 8, 40)
    assert data.config.file.size == (tmp_path / "c.json").stat().st_size
    assert len(data.config.file.digest) == 64


def test_rows_that_are_no_objects_are_kept_as_empty_ones(tmp_path: Path) -> None:
    data = read_legacy(LegacyPaths(metadata=write(tmp_path / "m.json", b'[{"a": 1}, 3]')))
    assert list(data.tables[0].rows) == [{"a": 1}, {}]


@pytest.mark.parametrize(
    ("config", "reason"),
    [(b"[1]", "is not an object"), (b'{"dim": "8"}', "dim is not a whole"), (b'{"dim": true}', "dim is not a whole")],
)
def test_a_configuration_of_another_form_is_refused(tmp_path: Path, config: bytes, reason: str) -> None:
    with pytest.raises(DocumentRefused, match=reason):
        read_legacy(LegacyPaths(config=write(tmp_path / "c.json", config)))


BROKEN_JSON = {
    b"{": "is not JSON",
    b"\xff": "not UTF-8 at byte 0",
    b"[" * 100_000: "nested too deeply",
    b"[" + b"1" * 5000 + b"]": "number that is too long",
    b"": "is empty",
}


@pytest.mark.parametrize("raw", BROKEN_JSON)
def test_broken_json_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = write(tmp_path / "t.json", raw)
    with pytest.raises(DocumentRefused, match=BROKEN_JSON[raw]) as caught:
        read_apart(path, "json")
    assert str(path) in caught.value.detail


def test_what_is_no_ordinary_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, reason in (
        (tmp_path, "cannot be read: Is a directory"),
        (tmp_path / "pipe", "not an ordinary file"),
        (tmp_path / "nothing", "cannot be read"),
    ):
        with pytest.raises(DocumentRefused, match=reason):
            read_apart(path, "pickle")


def test_a_file_that_is_too_large_is_not_opened_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "json", Kind(10))
    with pytest.raises(DocumentRefused, match="has 11 bytes"):
        read_apart(write(tmp_path / "t.json", b"[1,2,3,4,5]"), "json")


CHILDREN = {
    "import time; time.sleep(60)": "too_slow",
    "import os, signal; os.kill(os.getpid(), signal.SIGXCPU)": "too_slow",
    "raise SystemExit(3)": "status 3",
    "print('[]')": "no objects",
    "print('{')": "no JSON",
    "print('x' * 2000)": "too_large",
    "import os; print(sorted(os.environ))": "no JSON",
    "import os, json; print(json.dumps({'refused': 'x', 'detail': str('SECRET_KEY' in os.environ)}))": "x: .*False",
    "print('{\"rows\": 1}')": "did not come to the end",
    "import os; os.close(1); import time; time.sleep(60)": "status -9|too_slow",
}


@pytest.mark.parametrize("code", CHILDREN)
def test_a_reader_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    monkeypatch.setattr(apart, "module_command", lambda *_: [sys.executable, "-c", code])
    monkeypatch.setattr(apart, "wall_seconds", lambda _: 1.0)
    monkeypatch.setattr(apart, "MAX_ANSWER", 1000)
    with pytest.raises(DocumentRefused, match=CHILDREN[code]):
        read_legacy(LegacyPaths(tickets=write(tmp_path / "t.json", b"[]")))


def test_memory_is_limited_by_the_system_too(tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", b"[" + b"{}," * 4_000_000 + b"{}]")
    with pytest.raises(DocumentRefused, match="needs too much memory"):
        read_apart(path, "json")


@pytest.mark.parametrize("kind", ["Flat", "HNSW8", "IDMap,Flat", "SQ8"])
def test_indexes_of_several_types_are_checked(tmp_path: Path, kind: str) -> None:
    _, _, said = read_apart(write_index(tmp_path / "i.bin", kind), "faiss")
    assert said[0]["vectors"]["count"] == 40
    assert said[0]["vectors"]["dimension"] == 8
    assert said[0]["vectors"]["finite"] is (True if kind == "Flat" else None)


def faiss_refusal(path: Path) -> str:
    with path.open("rb") as file, pytest.raises(DocumentRefused) as caught:
        look_at_faiss(file, path.stat().st_size)
    return caught.value.detail


def test_a_flat_index_is_refused_for_every_false_number(tmp_path: Path) -> None:
    good = write_index(tmp_path / "i.bin").read_bytes()
    broken = tmp_path / "broken.bin"
    for raw, reason in (
        (good[:20], "too short"),
        (good[:-1], "has 1279 bytes"),
        (good + b"x", "has 1281 bytes"),
        (b"IBxF" + good[4:], "no FAISS index"),
        (good[:4] + struct.pack("<i", -1) + good[8:], "dimension -1"),
        (good[:8] + struct.pack("<q", 2**62) + good[16:], "claims 4611686018427387904"),
        (good[:8] + struct.pack("<q", 41) + good[16:], "count times dimension"),
        (good[:33] + struct.pack("<i", 7) + good[37:], "metric 7"),
    ):
        assert reason in faiss_refusal(write(broken, raw))


def test_an_index_faiss_cannot_read_is_refused(tmp_path: Path) -> None:
    good = write_index(tmp_path / "i.bin", "HNSW8").read_bytes()
    with pytest.raises(DocumentRefused, match="broken"):
        read_apart(write(tmp_path / "cut.bin", good[:-100]), "faiss")


def test_values_that_are_no_numbers_are_seen(tmp_path: Path) -> None:
    vectors = VECTORS.copy()
    vectors[3, 3] = np.nan
    with write_index(tmp_path / "i.bin", "Flat", vectors).open("rb") as file:
        assert look_at_faiss(file, (tmp_path / "i.bin").stat().st_size).finite is False


NPY = {
    "objects": (np.array([{}, 1], dtype=object), "pickled objects"),
    "whole numbers": (np.ones((2, 2), np.int64), "expected floating"),
    "one row": (np.ones(3, np.float32), "1 dimensions"),
}


@pytest.mark.parametrize("name", NPY)
def test_arrays_that_are_no_vectors_are_refused(tmp_path: Path, name: str) -> None:
    value, reason = NPY[name]
    np.save(tmp_path / "e.npy", value, allow_pickle=True)
    with pytest.raises(DocumentRefused, match=reason):
        read_apart(tmp_path / "e.npy", "npy")


def test_an_array_is_as_long_as_its_head_says(tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", VECTORS)
    good = (tmp_path / "e.npy").read_bytes()
    for raw in (good[:-4], good + b"more", b"no numpy file", good.replace(b"(40, 8)", b"(2**9,)"), b""):
        with write(tmp_path / "e.npy", raw).open("rb") as file, pytest.raises(DocumentRefused):
            look_at_npy(file, len(raw))
