"""What every embedder promises, shown on all of them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.embedders.openvino_embedder import OpenVinoEmbedder
from app.adapters.embedders.torch_embedder import TorchEmbedder
from app.modelfiles.locate import embedding_model
from app.ports import Embedder

pytest_plugins = ["tiny_models"]

TEXTS = [
    "reset my password",
    "the printer is on fire",
    "vpn",
    "open settings and choose accounts " * 30,
    "Ünïcödé, 日本語 and a \n new line",
    "",
]


@dataclass
class Case:
    embedder: Embedder
    engine: str
    dimension: int


def _open(name: str, request: pytest.FixtureRequest) -> Any:
    if name == "hashing":
        return HashingEmbedder()
    if name == "openvino-packaged":
        kept: Path = request.getfixturevalue("kept_models")
        return OpenVinoEmbedder(embedding_model("all-MiniLM-L6-v2", kept), kept)
    files, cache = request.getfixturevalue("tiny_embedder"), request.getfixturevalue("digests")
    return OpenVinoEmbedder(files, cache, threads=1) if name == "openvino" else TorchEmbedder(files, "cpu")


@pytest.fixture(
    scope="module",
    params=["hashing", "openvino", "torch", pytest.param("openvino-packaged", marks=pytest.mark.models)],
)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    embedder = _open(request.param, request)
    dimension = {"hashing": 256, "openvino-packaged": 384}.get(request.param, 32)
    yield Case(embedder, request.param.partition("-")[0], dimension)
    if hasattr(embedder, "close"):
        embedder.close()


def test_the_model_is_described(case: Case) -> None:
    spec = case.embedder.spec
    assert (spec.engine, spec.dimension) == (case.engine, case.dimension)
    assert len(spec.digest) == 64
    assert spec.model_id
    assert "/" not in spec.model_id


async def test_there_is_one_unit_row_per_text_in_their_order(case: Case) -> None:
    rows = await case.embedder.embed(TEXTS)
    assert rows.shape == (len(TEXTS), case.dimension)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    alone = np.concatenate([await case.embedder.embed([text]) for text in TEXTS])
    np.testing.assert_allclose(np.sum(rows * alone, axis=1), 1, atol=1e-4)


async def test_no_texts_give_no_rows(case: Case) -> None:
    assert (await case.embedder.embed([])).shape == (0, case.dimension)


async def test_texts_that_differ_get_other_vectors(case: Case) -> None:
    first, second = await case.embedder.embed(["reset my password", "the printer is on fire"])
    assert float(first @ second) < 0.99


async def test_many_callers_at_once_get_their_own_rows(case: Case) -> None:
    texts = [f"the printer {number} is on fire" for number in range(40)]
    together = await case.embedder.embed(texts)
    rows = await asyncio.gather(*(case.embedder.embed([text]) for text in texts))
    np.testing.assert_allclose(np.sum(np.concatenate(rows) * together, axis=1), 1, atol=1e-4)


async def test_who_leaves_does_not_disturb_who_stays(case: Case) -> None:
    tasks = [asyncio.create_task(case.embedder.embed([f"vpn {number}"])) for number in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    stayed = await asyncio.gather(*tasks[1::2])
    assert {row.shape for row in stayed} == {(1, case.dimension)}


def test_tokens_are_counted_without_the_special_ones(case: Case) -> None:
    count = case.embedder.count_tokens
    assert count("") == 0
    assert count("vpn") == (2 if case.dimension == 384 else 1)
    assert count("reset my password") == 3
    # The whole text is counted, however much of it the model reads.
    assert count("reset my password " * 1000) == 3000


async def test_counting_and_embedding_may_overlap(case: Case) -> None:
    work = asyncio.create_task(case.embedder.embed(TEXTS * 10))
    counts = await asyncio.gather(*(asyncio.to_thread(case.embedder.count_tokens, TEXTS[0]) for _ in range(50)))
    assert set(counts) == {3}
    assert len(await work) == 60
