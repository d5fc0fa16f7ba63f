"""A converted embedding model gives the original's vectors, whatever it is made of, or it is not used."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_makers import make_embedder, make_sentence_transformer

from app.adapters.embedders import conversion, openvino_embedder
from app.adapters.embedders.encoder import OpenVinoEncoder, native_precisions
from app.adapters.embedders.layout import NotConvertible, read_layout
from app.adapters.embedders.openvino_embedder import OpenVinoEmbedder
from app.adapters.embedders.probes import PROBES, read_expected, require_alike
from app.adapters.embedders.torch_embedder import TorchEmbedder, _load, half_if_faithful
from app.domain.models import Vectors
from app.modelfiles.locate import ModelFiles, embedding_model

pytest_plugins = ["tiny_models"]

TEXTS = ["reset my password", "the printer is on fire " * 50, "", "日本", "vpn"]


async def assert_alike(folder: Path, tmp_path: Path) -> Vectors:
    """Convert a model and compare it with the original, on texts of its own; return the vectors."""
    conversion.convert(folder, tmp_path / "converted")
    encoder = OpenVinoEncoder(read_layout(folder), tmp_path / "converted" / "model.xml")
    original = TorchEmbedder(embedding_model(str(folder), tmp_path / "cache"), "cpu")
    expected = await original.embed(TEXTS)
    original.close()
    np.testing.assert_allclose(encoder(TEXTS), expected, atol=1e-4)
    assert encoder.dimension == expected.shape[1]
    # Texts that differ do so in the model: agreement means something.
    assert float(np.min(expected @ expected.T)) < 0.9
    return expected


@pytest.mark.parametrize(
    "pooling", ["mean", "cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens", ("mean", "max")]
)
async def test_every_pooling_is_kept(pooling: str | tuple[str, ...], tmp_path: Path) -> None:
    await assert_alike(make_embedder(tmp_path, pooling), tmp_path)
    names = sorted(path.name for path in (tmp_path / "converted").iterdir())
    assert names == ["digests.json", "model.bin", "model.xml", "probes.npy"]


@pytest.mark.parametrize("kind", ["xlm-roberta", "mpnet", "distilbert"])
async def test_other_transformers_are_converted(kind: str, tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer.modules import Pooling  # noqa: PLC0415 - seconds

    await assert_alike(make_sentence_transformer(tmp_path, kind, lambda: [Pooling(_width(kind))]), tmp_path)


def _width(kind: str) -> int:
    # DistilBERT names its width otherwise, and so keeps its own.
    return 768 if kind == "distilbert" else 32


async def test_dense_layers_and_a_prompt_are_kept(tmp_path: Path) -> None:
    from sentence_transformers.base.modules import Dense  # noqa: PLC0415 - seconds
    from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling  # noqa: PLC0415

    prompted = {"prompts": {"query": "reset the "}, "default_prompt_name": "query"}
    folder = make_sentence_transformer(
        tmp_path, "bert", lambda: [Pooling(32), Dense(32, 24), LayerNorm(24)], **prompted
    )
    rows = await assert_alike(folder, tmp_path)
    assert rows.shape == (len(TEXTS), 24)
    assert read_layout(folder).prompt == "reset the "


def test_a_copy_that_differs_is_not_kept(
    tiny_embedder: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = conversion._export
    monkeypatch.setattr(conversion, "_export", lambda folder, path: -real(folder, path))
    with pytest.raises(NotConvertible, match="differs from the original"):
        conversion.main([str(tiny_embedder.path), str(tmp_path / "converted")])
    assert list(tmp_path.iterdir()) == []


def test_a_limit_read_wrongly_is_noticed(
    tiny_embedder: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil  # noqa: PLC0415

    copy = Path(shutil.copytree(tiny_embedder.path, tmp_path / "model"))
    real = conversion._export

    def lowered(folder: Path, path: Path) -> Vectors:
        expected = real(folder, path)
        config = copy / "tokenizer.json"
        spoilt = json.loads(config.read_text())
        spoilt["post_processor"] = None
        config.write_text(json.dumps(spoilt))
        return expected

    monkeypatch.setattr(conversion, "_export", lowered)
    with pytest.raises(NotConvertible, match="differs from the original"):
        conversion.convert(copy, tmp_path / "converted")


def test_a_model_openvino_cannot_trace_is_left_to_torch(
    tiny_embedder: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import openvino  # noqa: PLC0415

    def fail(*arguments: Any, **named: Any) -> None:
        raise RuntimeError("no such operation")

    monkeypatch.setattr(openvino, "convert_model", fail)
    with pytest.raises(NotConvertible, match="cannot convert it"):
        conversion.convert(tiny_embedder.path, tmp_path / "converted")


@pytest.mark.parametrize(
    ("encode", "message"),
    [
        (lambda texts: np.ones((len(texts), 3), np.float32), "dimensions"),
        (lambda texts: np.full((len(texts), 2), np.nan, np.float32), "cosine nan"),
        (lambda texts: np.tile(np.array([[0.0, 1.0]], np.float32), (len(texts), 1)), r"cosine 0\.0000"),
    ],
)
def test_what_is_not_alike_is_refused(encode: Callable[..., Vectors], message: str) -> None:
    expected = np.tile(np.array([[1.0, 0.0]], np.float32), (len(PROBES), 1))
    with pytest.raises(NotConvertible, match=message):
        require_alike(encode, expected)


def test_vectors_of_other_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotConvertible, match="other texts"):
        require_alike(lambda texts: np.ones((len(texts), 2), np.float32), np.ones((1, 2), np.float32))
    (tmp_path / "probes.npy").write_bytes(b"no array")
    with pytest.raises(NotConvertible, match="cannot be read"):
        read_expected(tmp_path)


def test_a_faster_precision_that_differs_is_not_used(
    tiny_embedder: ModelFiles, digests: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened: list[str] = []

    class Coarse(OpenVinoEncoder):
        def __init__(self, layout: Any, model: Path, precision: Any = "f32", threads: int | None = None) -> None:
            opened.append(precision)
            super().__init__(layout, model, "f32", threads)

        def __call__(self, texts: Any) -> Vectors:
            rows = super().__call__(texts)
            return -rows if opened == ["bf16"] else rows

    monkeypatch.setattr(openvino_embedder, "OpenVinoEncoder", Coarse)
    with caplog.at_level(logging.WARNING):
        OpenVinoEmbedder(tiny_embedder, digests, precisions=("bf16", "f32")).close()
    assert opened == ["bf16", "f32"]
    assert caplog.messages == ["embedding precision not used"]


def test_the_cpus_own_precisions_end_with_the_exact_one() -> None:
    assert native_precisions()[-1] == "f32"


def test_half_precision_is_used_where_it_is_faithful(tiny_embedder: ModelFiles) -> None:
    # On a CPU here: torch computes in half precision there too, only slowly.
    model = half_if_faithful(lambda precision: _load(tiny_embedder, "cpu", precision))
    assert str(next(model.parameters()).dtype) == "torch.float16"


def test_half_precision_that_overflows_is_not_used(tiny_embedder: ModelFiles, caplog: pytest.LogCaptureFixture) -> None:
    import torch  # noqa: PLC0415

    def load(precision: str) -> Any:
        model = _load(tiny_embedder, "cpu", precision)
        with torch.no_grad():
            # Beyond 65,504 half precision has no numbers.
            model[0].auto_model.embeddings.LayerNorm.weight.mul_(1e6)
        return model

    model = half_if_faithful(load)
    assert str(next(model.parameters()).dtype) == "torch.float32"
    assert caplog.messages == ["embedding precision not used"]
