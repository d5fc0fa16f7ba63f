"""What every vector index must keep to, whatever searches it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from vector_rows import clustered, nearest, units

from app.adapters.index.faiss_index import FaissIndex
from app.adapters.index.faiss_plan import IndexKind, plan
from app.adapters.vectors.milvus import MilvusVectors
from app.ports import VectorIndex

COUNT, DIMENSION = 20_000, 48
ROWS = clustered(COUNT, DIMENSION, topics=200)
ROWS[1_234] = ROWS[4_321] = ROWS[77]
QUERIES = units(ROWS[::1_000] + 0.5 * units(np.random.default_rng(3).standard_normal((20, DIMENSION), np.float32)))
MILVUS = "Milvus"


@pytest.fixture(scope="module", params=[*IndexKind, MILVUS])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorIndex]:
    folder: Path = tmp_path_factory.mktemp("index")
    if request.param == MILVUS:
        engine = MilvusVectors(str(folder / "vectors.db"), timeout_s=20)
        engine.publish("20261121T000000Z-0123456789ab", ROWS)
        yield engine.open("20261121T000000Z-0123456789ab", COUNT, DIMENSION)
        engine.close()
        return
    FaissIndex.build(ROWS, plan(request.param, COUNT, DIMENSION)).write(folder / "index.bin")
    yield FaissIndex.read(folder / "index.bin")


def test_the_best_come_first_with_their_true_similarities(index: VectorIndex) -> None:
    rows, similarities = index.search(QUERIES[0], 10)
    assert (rows.dtype.name, similarities.dtype.name) == ("int64", "float32")
    assert np.all(np.diff(similarities) <= 0)
    assert len(set(rows.tolist())) == 10
    assert similarities == pytest.approx(ROWS[rows] @ QUERIES[0], abs=3e-4)


def test_nearly_all_of_the_nearest_are_found(index: VectorIndex) -> None:
    hits = [len(nearest(ROWS, query, 10) & set(index.search(query, 10)[0].tolist())) for query in QUERIES]
    assert np.mean(hits) >= 9.5


def test_many_are_found_as_well_as_few(index: VectorIndex) -> None:
    hits = [len(nearest(ROWS, query, 1_000) & set(index.search(query, 1_000)[0].tolist())) for query in QUERIES[:5]]
    assert np.mean(hits) >= 950


def test_equal_rows_are_all_found_and_come_in_order(index: VectorIndex) -> None:
    assert index.search(ROWS[77], 3)[0].tolist() == [77, 1_234, 4_321]


def test_more_than_are_allowed_gives_those_and_no_padding(index: VectorIndex) -> None:
    allowed = np.array([3, 500, 19_999])
    assert sorted(index.search(QUERIES[1], 10, allowed)[0].tolist()) == [3, 500, 19_999]
    many = np.arange(0, COUNT, 5)
    assert set(index.search(QUERIES[1], 100_000, many)[0].tolist()) == set(many.tolist())


def test_more_than_there_are_gives_no_padding(index: VectorIndex) -> None:
    rows, similarities = index.search(QUERIES[1], 100_000)
    assert len(rows) == len(set(rows.tolist())) >= 16_384
    assert 0 <= rows.min() <= rows.max() < COUNT
    assert len(similarities) == len(rows)


@pytest.mark.parametrize("k", [0, -1])
def test_none_asked_for_gives_none(index: VectorIndex, k: int) -> None:
    rows, similarities = index.search(QUERIES[0], k)
    assert rows.tolist() == similarities.tolist() == []


def test_none_allowed_gives_none(index: VectorIndex) -> None:
    assert index.search(QUERIES[0], 5, np.empty(0, np.int64))[0].tolist() == []


def test_all_allowed_is_as_good_as_no_filter(index: VectorIndex) -> None:
    found = index.search(QUERIES[2], 10, np.arange(COUNT))[0].tolist()
    assert len(nearest(ROWS, QUERIES[2], 10) & set(found)) >= 9


def test_nothing_is_near_to_no_number(index: VectorIndex) -> None:
    assert index.search(np.full(DIMENSION, np.nan, np.float32), 5)[0].tolist() == []


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("how", ["scattered", "elsewhere"])
def test_a_filter_costs_no_recall(index: VectorIndex, share: float, how: str) -> None:
    hits: list[float] = []
    for number, query in enumerate(QUERIES[::2]):
        allowed = _scattered(share, number) if how == "scattered" else _elsewhere(share, number)
        found = index.search(query, 10, allowed)[0].tolist()
        assert set(found) <= set(allowed.tolist())
        hits.append(len(nearest(ROWS, query, 10, allowed) & set(found)) / 10)
    assert np.mean(hits) >= 0.95


def _scattered(share: float, seed: int) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(seed).choice(COUNT, int(COUNT * share), replace=False))


def _elsewhere(share: float, number: int) -> NDArray[np.int64]:
    """Topics the question is not about, as where another product or language is asked for."""
    first = number * 1_000 + COUNT // 4
    return np.sort(np.arange(first, first + int(COUNT * share)) % COUNT)


def test_chosen_rows_are_compared_in_their_order(index: VectorIndex) -> None:
    chosen = [5, 19_000, 5, 2]
    assert index.similarities(QUERIES[0], chosen) == pytest.approx(ROWS[chosen] @ QUERIES[0], abs=3e-4)
    assert index.similarities(QUERIES[0], []).tolist() == []


def test_vectors_come_back_as_they_were_given(index: VectorIndex) -> None:
    assert index.stored([9, 3, 9]) == pytest.approx(ROWS[[9, 3, 9]], abs=3e-4)
    assert index.stored([]).shape == (0, DIMENSION)


def test_threads_do_not_disturb_one_another(index: VectorIndex) -> None:
    expected = [index.search(query, 5)[0].tolist() for query in QUERIES]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda query: index.search(query, 5)[0].tolist(), [*QUERIES] * 3))
    assert found == expected * 3
