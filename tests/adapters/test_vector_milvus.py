"""Vectors in Milvus, beyond what every index does. The engine is Milvus Lite, on a file."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from vector_rows import clustered

from app.adapters.vectors.milvus import MilvusVectors, is_milvus
from app.adapters.vectors.milvus_parameters import expression, lists, probes
from app.errors import DependencyFailed, DependencyUnreachable, IndexCorrupt, IndexMissing, SettingsInvalid

RELEASE = "20261121T063332123456Z-0123456789ab"
OTHER = "20261122T063332123456Z-ba9876543210"
ROWS = clustered(60, 8, topics=3)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusVectors]:
    vectors = MilvusVectors(str(tmp_path_factory.mktemp("milvus") / "vectors.db"), timeout_s=20)
    yield vectors
    vectors.close()


def test_progress_is_told_batch_by_batch(engine: MilvusVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.adapters.vectors.milvus.BATCH", 25)
    heard: list[tuple[int, int]] = []
    engine.publish(RELEASE, ROWS, lambda done, total: heard.append((done, total)))
    assert heard == [(25, 60), (50, 60), (60, 60)]
    index = engine.open(RELEASE, 60, 8)
    assert index.stored(range(60)) == pytest.approx(ROWS)


def test_publishing_again_replaces_what_was_there(engine: MilvusVectors) -> None:
    engine.publish(RELEASE, ROWS)
    engine.publish(RELEASE, ROWS[::-1])
    assert engine.open(RELEASE, 60, 8).search(ROWS[0], 1)[0].tolist() == [59]


def test_releases_do_not_meet_and_old_ones_are_removed(engine: MilvusVectors) -> None:
    engine.publish(RELEASE, ROWS)
    engine.publish(OTHER, ROWS[:30])
    assert len(engine.open(OTHER, 30, 8).search(ROWS[0], 60)[0]) == 30
    assert engine.clean([RELEASE]) == 1
    assert engine.open(RELEASE, 60, 8).count == 60
    with pytest.raises(IndexMissing, match=OTHER):
        engine.open(OTHER, 30, 8)


@pytest.mark.parametrize(("count", "dimension"), [(61, 8), (60, 9)])
def test_what_is_not_whole_is_refused(engine: MilvusVectors, count: int, dimension: int) -> None:
    engine.publish(RELEASE, ROWS)
    with pytest.raises(IndexCorrupt, match="60 vectors of dimension 8, not"):
        engine.open(RELEASE, count, dimension)


def test_an_upload_that_stops_leaves_nothing(engine: MilvusVectors) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.publish(OTHER, ROWS, stop)
    with pytest.raises(IndexMissing):
        engine.open(OTHER, 60, 8)


def test_what_the_engine_cannot_do_is_told_with_its_cause(engine: MilvusVectors) -> None:
    engine.publish(OTHER, ROWS)
    index = engine.open(OTHER, 60, 8)
    engine.drop(OTHER)
    engine.drop(OTHER)
    with pytest.raises(DependencyFailed, match="milvus") as caught:
        index.search(ROWS[0], 3)
    assert caught.value.__cause__ is not None


def test_a_row_that_is_not_there_is_an_error(engine: MilvusVectors) -> None:
    engine.publish(RELEASE, ROWS)
    with pytest.raises(DependencyFailed, match="1 rows are not there"):
        engine.open(RELEASE, 60, 8).similarities(ROWS[0], [1, 60])


def test_a_file_is_there_again_after_it_was_closed(tmp_path: Path) -> None:
    url = str(tmp_path / "vectors.db")
    first = MilvusVectors(url, timeout_s=20)
    first.publish(RELEASE, ROWS)
    first.close()
    second = MilvusVectors(url, timeout_s=20)
    second.ping()
    assert second.open(RELEASE, 60, 8).search(ROWS[7], 1)[0].tolist() == [7]
    second.close()


@pytest.mark.parametrize("url", ["", "vectors", "redis://host", "vectors.db.bak"])
def test_other_urls_are_refused_by_name(url: str) -> None:
    assert not is_milvus(url)
    with pytest.raises(SettingsInvalid, match=r"^VECTOR_URL"):
        MilvusVectors(url)


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(DependencyUnreachable, match=r"^VECTOR_URL"):
        MilvusVectors("http://127.0.0.1:9", timeout_s=1)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(DependencyUnreachable):
            MilvusVectors(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=1)
        assert time.monotonic() - start < 10


def test_a_filter_names_the_fewer_rows() -> None:
    assert expression("row", None, 5) == expression("row", np.arange(5), 5) == ""
    assert expression("row", np.array([1, 4]), 5) == "row in [1, 4]"
    assert expression("row", np.array([0, 1, 2, 4]), 5) == "row not in [3]"


def test_more_lists_are_read_where_fewer_rows_may_be_found() -> None:
    assert (lists(1_999), lists(20_000), lists(10_000_000)) == (1, 512, 2_048)
    usual = probes(500_000, 10, None)
    half = probes(500_000, 10, np.arange(250_000))
    assert 0 < usual < half < probes(500_000, 10, np.arange(5_000)) == lists(500_000)
    assert probes(20_000, 5_000, None) == lists(20_000)
