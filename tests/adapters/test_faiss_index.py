"""Exact nearest neighbours."""

from pathlib import Path

import numpy as np
import pytest

from app.adapters.index.faiss_index import FaissIndex
from app.domain.models import Vectors
from app.errors import IndexCorrupt


def unit_rows(count: int, dimension: int) -> Vectors:
    rows = np.random.default_rng(7).normal(size=(count, dimension)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


ROWS = unit_rows(20, 8)


@pytest.fixture(scope="module")
def index() -> FaissIndex:
    return FaissIndex.build(ROWS)


def test_the_nearest_come_first_and_are_exact(index: FaissIndex) -> None:
    rows, similarities = index.search(ROWS[3], 5)
    expected = np.argsort(-(ROWS @ ROWS[3]))[:5]
    assert rows.tolist() == expected.tolist()
    assert rows[0] == 3
    assert similarities == pytest.approx((ROWS @ ROWS[3])[expected], abs=1e-6)


@pytest.mark.parametrize("k", [20, 21, 10_000])
def test_more_than_there_are_gives_all_and_no_padding(index: FaissIndex, k: int) -> None:
    rows, similarities = index.search(ROWS[0], k)
    assert sorted(rows.tolist()) == list(range(20))
    assert similarities.min() >= -1.001


@pytest.mark.parametrize("k", [0, -1])
def test_none_asked_for_gives_none(index: FaissIndex, k: int) -> None:
    rows, similarities = index.search(ROWS[0], k)
    assert rows.tolist() == similarities.tolist() == []
    assert (rows.dtype.name, similarities.dtype.name) == ("int64", "float32")


def test_an_empty_index_finds_nothing() -> None:
    rows, _ = FaissIndex.build(np.empty((0, 8), np.float32)).search(ROWS[0], 3)
    assert rows.tolist() == []


def test_padding_is_no_row(index: FaissIndex) -> None:
    # Nothing is near to a vector of no numbers: the library fills up with row -1, which Python reads as the last.
    rows, similarities = index.search(np.full(8, np.nan, np.float32), 5)
    assert rows.tolist() == []
    assert similarities.tolist() == []


def test_chosen_rows_are_compared_in_their_order(index: FaissIndex) -> None:
    assert index.similarities(ROWS[2], [5, 2, 5]) == pytest.approx(ROWS[[5, 2, 5]] @ ROWS[2], abs=1e-6)
    assert index.similarities(ROWS[2], []).tolist() == []


def test_a_file_gives_the_same_index_back(index: FaissIndex, tmp_path: Path) -> None:
    index.write(tmp_path / "index.bin")
    again = FaissIndex.read(tmp_path / "index.bin")
    assert (again.count, again.dimension) == (index.count, index.dimension) == (20, 8)
    assert again.search(ROWS[3], 5)[0].tolist() == index.search(ROWS[3], 5)[0].tolist()


def test_vectors_in_any_layout_are_indexed() -> None:
    columns = np.asfortranarray(ROWS.astype(np.float64))
    assert FaissIndex.build(columns).search(ROWS[3], 1)[0].tolist() == [3]  # type: ignore[arg-type] # on purpose


@pytest.mark.parametrize("raw", [b"", b"garbage", b"IxFI"], ids=["empty", "garbage", "cut off"])
def test_a_file_that_is_no_index_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "index.bin").write_bytes(raw)
    with pytest.raises(IndexCorrupt, match=r"^index\.bin cannot be read by FAISS$"):
        FaissIndex.read(tmp_path / "index.bin")


def test_a_place_that_cannot_be_written_is_an_error_of_the_system(index: FaissIndex, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"index\.bin cannot be written"):
        index.write(tmp_path / "nowhere" / "index.bin")
