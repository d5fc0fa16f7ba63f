"""What every reranker promises, and what the cross-encoder does with models that are none."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from model_makers import make_cross_encoder, make_embedder

from app.adapters.rerankers.cross_encoder import CrossEncoderReranker
from app.adapters.rerankers.overlap_reranker import OverlapReranker
from app.errors import DependencyFailed, ModelAltered, ModelMissing, Overloaded
from app.modelfiles.locate import ModelFiles, reranking_model
from app.ports import Reranker

TEXTS = ["the printer is on fire", "reset my password", "open settings " * 200, "Ünïcödé, 日本語", ""]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    folder = tmp_path_factory.mktemp("cross")
    return reranking_model(str(make_cross_encoder(folder / "model")), folder)


@pytest.fixture(scope="module")
def cross_encoder(tiny: ModelFiles) -> Iterator[CrossEncoderReranker]:
    model = CrossEncoderReranker(tiny, "cpu", room=2)
    yield model
    model.close()


@pytest.fixture(params=["overlap", "cross_encoder"])
def reranker(request: pytest.FixtureRequest) -> Reranker:
    if request.param == "overlap":
        return OverlapReranker()
    model: CrossEncoderReranker = request.getfixturevalue("cross_encoder")
    return model


async def test_every_text_has_its_score(reranker: Reranker) -> None:
    scores = await reranker.scores("reset my password", TEXTS)
    assert len(scores) == len(TEXTS)
    assert all(isinstance(score, float) for score in scores)
    for text, score in zip(TEXTS, scores, strict=True):
        assert await reranker.scores("reset my password", [text]) == pytest.approx([score], abs=1e-4)


async def test_no_texts_have_no_scores(reranker: Reranker) -> None:
    assert await reranker.scores("reset my password", []) == []


async def test_the_question_matters(reranker: Reranker) -> None:
    assert await reranker.scores("vpn", TEXTS) != await reranker.scores("reset my password", TEXTS)


async def test_shared_words_score_higher() -> None:
    assert await OverlapReranker().scores("Reset password!", TEXTS[:2]) == [0.0, 1.0]
    assert await OverlapReranker().scores("?", ["?"]) == [0.0]


def test_the_model_is_described(cross_encoder: CrossEncoderReranker, tiny: ModelFiles) -> None:
    spec = cross_encoder.spec
    assert (spec.model_id, spec.digest, spec.engine, spec.device) == ("model", tiny.digest, "torch", "cpu")
    assert OverlapReranker().spec.model_id == "overlap"


class Held:
    """A model that answers when it is let."""

    def __init__(self, scores: Any = (1.0,), error: Exception | None = None) -> None:
        self.go = threading.Event()
        self._scores, self._error = scores, error

    def predict(self, _: Any, **__: Any) -> Any:
        assert self.go.wait(10)
        if self._error:
            raise self._error
        return self._scores


@pytest.fixture
def held(cross_encoder: CrossEncoderReranker, monkeypatch: pytest.MonkeyPatch) -> Held:
    model = Held()
    monkeypatch.setattr(cross_encoder, "_model", model)
    return model


async def test_too_many_calls_are_refused_and_room_comes_back(cross_encoder: CrossEncoderReranker, held: Held) -> None:
    waiting = [asyncio.create_task(cross_encoder.scores("q", ["t"])) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await cross_encoder.scores("q", ["t"])
    held.go.set()
    assert list(await asyncio.gather(*waiting)) == [[1.0], [1.0]]
    assert await cross_encoder.scores("q", ["t"]) == [1.0]


async def test_a_caller_that_leaves_makes_room(cross_encoder: CrossEncoderReranker, held: Held) -> None:
    first = asyncio.create_task(cross_encoder.scores("q", ["t"]))
    second = asyncio.create_task(cross_encoder.scores("q", ["t"]))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    third = asyncio.create_task(cross_encoder.scores("q", ["t"]))
    await asyncio.sleep(0)
    held.go.set()
    assert list(await asyncio.gather(first, third)) == [[1.0], [1.0]]


@pytest.mark.parametrize(
    "model", [Held(error=RuntimeError("out of memory")), Held(scores=[float("nan")]), Held(scores=[1.0, 2.0])]
)
async def test_what_the_model_does_wrong_is_named(
    model: Held, cross_encoder: CrossEncoderReranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.go.set()
    monkeypatch.setattr(cross_encoder, "_model", model)
    with pytest.raises(DependencyFailed):
        await cross_encoder.scores("q", ["t"])


async def test_a_closed_reranker_fails(tiny: ModelFiles) -> None:
    model = CrossEncoderReranker(tiny, "cpu")
    model.close()
    with pytest.raises(DependencyFailed, match="closed"):
        await model.scores("q", ["t"])


def test_a_model_that_is_no_reranker_is_refused(tmp_path: Path) -> None:
    several = reranking_model(str(make_cross_encoder(tmp_path / "three", outputs=3)), tmp_path)
    with pytest.raises(ModelAltered, match="3 outputs"):
        CrossEncoderReranker(several, "cpu")
    embedder = reranking_model(str(make_embedder(tmp_path)), tmp_path)
    with pytest.raises(ModelAltered, match="no cross-encoder"):
        CrossEncoderReranker(embedder, "cpu")


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = make_cross_encoder(tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelAltered, match="cannot be loaded"):
        CrossEncoderReranker(reranking_model(str(folder), tmp_path), "cpu")


def test_only_safe_files_are_located(tmp_path: Path) -> None:
    folder = make_cross_encoder(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(ModelAltered, match="auto_map"):
        reranking_model(str(folder), tmp_path)
    with pytest.raises(ModelMissing):
        reranking_model("no/such/model/here", tmp_path)


def test_a_hub_id_is_fetched_once_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    folder = make_cross_encoder(tmp_path / "model")
    found = reranking_model("cross-encoder/tiny", tmp_path, lambda _: folder)
    assert (found.model_id, found.path) == ("cross-encoder/tiny", folder)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelMissing, match="not to be asked"):
        reranking_model("cross-encoder/tiny", tmp_path, lambda _: folder)
