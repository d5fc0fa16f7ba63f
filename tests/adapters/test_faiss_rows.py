"""Vectors beside an index of codes."""

from pathlib import Path

import numpy as np
import pytest
from vector_rows import clustered

from app.adapters.index.faiss_rows import FileRows, MemoryRows
from app.errors import IndexCorrupt

ROWS = clustered(300, 24, topics=5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    MemoryRows(ROWS).write(tmp_path / "rows.npy")
    return tmp_path / "rows.npy"


@pytest.mark.parametrize("wanted", [[0], [299, 0, 150], [5, 6, 7, 7, 8, 100], list(range(300))])
def test_rows_come_from_the_file_as_from_memory(path: Path, wanted: list[int]) -> None:
    rows = FileRows(path)
    chosen = np.array(wanted, np.int64)
    assert rows.shape == (300, 24)
    assert np.array_equal(rows.take(chosen), MemoryRows(ROWS).take(chosen))
    assert rows.take(chosen) == pytest.approx(ROWS[wanted], abs=3e-4)


def test_what_was_rounded_once_stays_as_it_is(path: Path, tmp_path: Path) -> None:
    everything = np.arange(300)
    MemoryRows(FileRows(path).take(everything)).write(tmp_path / "again.npy")
    assert (tmp_path / "again.npy").read_bytes() == path.read_bytes()


def test_it_is_an_ordinary_file_of_an_array(path: Path) -> None:
    assert np.load(path, allow_pickle=False).shape == (300, 24)


def test_no_rows_are_no_rows(path: Path) -> None:
    assert FileRows(path).take(np.empty(0, np.int64)).shape == (0, 24)


@pytest.mark.parametrize("row", [-1, 300])
def test_a_row_that_is_not_there_is_an_error(path: Path, row: int) -> None:
    with pytest.raises(IndexError, match="of 300"):
        FileRows(path).take(np.array([1, row]))


def test_a_removed_file_can_still_be_read(path: Path) -> None:
    rows = FileRows(path)
    path.unlink()
    assert rows.take(np.array([3])).shape == (1, 24)


@pytest.mark.parametrize("raw", [b"", b"garbage" * 9, b"\x93NUMPY\x02\x00" + b"\x10\x00\x00\x00" + b" " * 16])
def test_what_is_no_file_of_vectors_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "rows.npy").write_bytes(raw)
    with pytest.raises(IndexCorrupt, match=r"^rows\.npy"):
        FileRows(tmp_path / "rows.npy")


def test_a_file_that_is_cut_off_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexCorrupt, match="does not hold the vectors"):
        FileRows(path)


def test_other_numbers_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", ROWS)
    with pytest.raises(IndexCorrupt, match="does not hold the vectors"):
        FileRows(tmp_path / "rows.npy")
