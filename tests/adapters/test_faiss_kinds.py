"""Indexes of codes: built until they find what an exact search finds, kept in two files."""

from pathlib import Path

import numpy as np
import pytest
from vector_rows import clustered, units

from app.adapters.index import faiss_building
from app.adapters.index.faiss_index import FaissIndex, rows_file
from app.adapters.index.faiss_plan import IndexKind, IndexPlan, plan
from app.adapters.index.faiss_rows import MemoryRows
from app.domain.models import Vectors
from app.errors import IndexCorrupt

ROWS = clustered(6_000, 32, topics=60)
CODED = [kind for kind in IndexKind if kind is not IndexKind.FLAT]


@pytest.fixture(scope="module", params=CODED)
def built(request: pytest.FixtureRequest) -> FaissIndex:
    return FaissIndex.build(ROWS, plan(request.param, *ROWS.shape))


def test_the_recall_is_measured_and_enough(built: FaissIndex) -> None:
    assert built.report is not None
    queries = faiss_building.sample_queries(ROWS, 100, seed=99)
    truth = faiss_building.nearest(ROWS, queries)
    again = faiss_building.recall(ROWS, queries, truth, lambda query, k: built.search(query, k)[0])
    assert built.report.recall >= 0.97
    assert again == pytest.approx(built.report.recall, abs=0.03)
    assert built.report.build_seconds > 0


def test_codes_take_less_than_vectors(built: FaissIndex, tmp_path: Path) -> None:
    assert built.report is not None
    built.write(tmp_path / "index.bin")
    assert built.report.size_bytes == (tmp_path / "index.bin").stat().st_size
    if built.report.kind is not IndexKind.GRAPH:  # with 32 dimensions the links outweigh the vectors
        assert built.report.size_bytes < ROWS.nbytes / 2


def test_two_files_give_the_same_index_back(built: FaissIndex, tmp_path: Path) -> None:
    assert built.report is not None
    assert built.write(tmp_path / "index.bin") == ("index.bin", "index.rows.npy")
    again = FaissIndex.read(tmp_path / "index.bin")
    assert (again.count, again.dimension, again.report) == (6_000, 32, None)
    for query in faiss_building.sample_queries(ROWS, 20):
        rows, similarities = again.search(query, 10)
        assert (rows.tolist(), similarities.tolist()) == tuple(part.tolist() for part in built.search(query, 10))
    assert again._finder.effort == built.report.effort


@pytest.mark.parametrize("damage", ["cut off", "another", "no vectors"])
def test_files_that_do_not_belong_together_are_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "index.bin"
    FaissIndex.build(ROWS, plan(IndexKind.LISTS, *ROWS.shape)).write(path)
    if damage == "cut off":
        path.write_bytes(path.read_bytes()[:1_000])
    elif damage == "another":
        rows_file(path).unlink()
        MemoryRows(ROWS[:100]).write(rows_file(path))
    else:
        rows_file(path).unlink()
    with pytest.raises(IndexCorrupt):
        FaissIndex.read(path)


def test_effort_is_raised_until_the_recall_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    low = IndexPlan(IndexKind.LISTS, lists=64, effort=1)
    rows = units(np.random.default_rng(4).standard_normal((4_000, 16), dtype=np.float32))
    monkeypatch.setattr(faiss_building, "ENOUGH", 0.0)
    monkeypatch.setattr(faiss_building, "GOAL", 0.0)
    careless = FaissIndex.build(rows, low).report
    monkeypatch.setattr(faiss_building, "GOAL", 0.99)
    careful = FaissIndex.build(rows, low).report
    assert careless is not None
    assert careful is not None
    assert (careful.kind, careful.recall >= 0.99) == (IndexKind.LISTS, True)
    assert careless.recall < 0.9
    assert 1 == careless.effort < careful.effort


def test_where_no_effort_is_enough_the_index_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_building, "recall", lambda *_: 0.9)
    report = FaissIndex.build(ROWS[:2_500], plan(IndexKind.LISTS, 2_500, 32)).report
    assert report is not None
    assert (report.kind, report.recall) == (IndexKind.FLAT, 1.0)


def test_few_rows_are_exact_and_in_one_file(tmp_path: Path) -> None:
    index = FaissIndex.build(ROWS)
    assert index.report is not None
    assert index.report.kind is IndexKind.FLAT
    assert index.write(tmp_path / "index.bin") == ("index.bin",)


def test_no_rows_are_an_exact_index_whatever_was_planned() -> None:
    index = FaissIndex.build(np.empty((0, 8), np.float32), IndexPlan(IndexKind.LISTS, lists=4, effort=1))
    assert index.count == 0


def test_a_graph_is_walked_under_a_wide_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    index = FaissIndex.build(ROWS, plan(IndexKind.GRAPH, *ROWS.shape))
    monkeypatch.setattr("app.adapters.index.faiss_finders.SCANNED", 1_500)
    allowed = np.arange(0, 6_000, 2)
    queries = faiss_building.sample_queries(ROWS, 50)
    found = [set(index.search(query, 10, allowed)[0].tolist()) for query in queries]
    true = [set(allowed[np.argsort(-(ROWS[allowed] @ query))[:10]].tolist()) for query in queries]
    assert np.mean([len(one & other) for one, other in zip(found, true, strict=True)]) >= 9.5


def test_a_matrix_in_a_file_is_indexed_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "vectors.npy", ROWS)
    vectors: Vectors = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    monkeypatch.setattr(faiss_building, "BLOCK", 1_000)
    monkeypatch.setattr(faiss_building, "_TRAINED_ROWS_PER_CENTROID", 10)
    index = FaissIndex.build(vectors, IndexPlan(IndexKind.LISTS, lists=64, effort=8))
    assert index.count == 6_000
    assert index.search(ROWS[17], 1)[0].tolist() == [17]
