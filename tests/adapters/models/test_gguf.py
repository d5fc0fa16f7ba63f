"""GGUF files: the head read quickly, and the weights rewritten so that OpenVINO reads them faithfully."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.adapters.generators import prepared, requantise
from app.adapters.generators.gguf_header import read_header
from app.adapters.generators.prepared import open_tokens, readable_model
from app.adapters.generators.requantise import needs_requantising
from app.adapters.generators.shape import read_shape
from app.errors import ModelAltered
from app.modelfiles.apart import ApartFailed
from app.modelfiles.locate import ModelFiles, language_model

gguf = pytest.importorskip("gguf")
quants = pytest.importorskip("gguf.quants")
tokenizers = pytest.importorskip("tokenizers")

KINDS = {"matrix": ("Q4_1", (4, 64)), "odd": ("F16", (4, 20)), "norm": ("F32", (64,)), "table": ("Q8_0", (8, 64))}


def make_gguf(path: Path, kinds: dict[str, tuple[str, tuple[int, ...]]] | None = None) -> dict[str, Any]:
    """Write a small file and return its tensors' values."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(2048)
    writer.add_block_count(3)
    writer.add_embedding_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_file_type(3)
    writer.add_token_list(["a", "bé", "c"])
    writer.add_token_types([1, 1, 3])
    writer.add_bool("tokenizer.ggml.add_bos_token", val=False)
    writer.add_layer_norm_rms_eps(1e-5)
    random = np.random.default_rng(5)
    values = {}
    for name, (kind, shape) in (kinds or KINDS).items():
        quantisation = gguf.GGMLQuantizationType[kind]
        data = quants.quantize(random.standard_normal(shape).astype(np.float32), quantisation)
        writer.add_tensor(name, data, raw_dtype=quantisation)
        values[name] = quants.dequantize(data, quantisation)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return values


@pytest.fixture
def file(tmp_path: Path) -> Path:
    make_gguf(tmp_path / "tiny.gguf")
    return tmp_path / "tiny.gguf"


def files_of(path: Path, cache: Path) -> ModelFiles:
    return language_model(str(path), cache)


def test_the_head_is_read(file: Path) -> None:
    header = read_header(file)
    assert header.facts["general.architecture"] == "llama"
    assert header.facts["tokenizer.ggml.add_bos_token"] is False
    assert header.facts["llama.attention.layer_norm_rms_epsilon"] == pytest.approx(1e-5)
    assert "tokenizer.ggml.tokens" not in header.facts
    assert header.tensor_types == {0, 1, 3, 8}
    assert (header.fact("context_length"), header.fact("no_such_fact")) == (2048, None)


def test_the_shape_follows_from_the_head(file: Path) -> None:
    shape = read_shape(file)
    # Keys and values, 3 layers, 2 heads of 16, two bytes each.
    assert (shape.context_tokens, shape.token_bytes) == (2048, 2 * 3 * 2 * 16 * 2)


@pytest.mark.parametrize("length", [0, 3, 4, 10, 40, 100, 300])
def test_a_file_that_is_cut_short_is_refused(file: Path, length: int) -> None:
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(ModelAltered, match="no readable GGUF"):
        read_header(file)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04" + bytes(60),
        b"GGUF\x09\x00\x00\x00" + bytes(16),
        b"GGUF\x03\x00\x00\x00" + bytes(8) + b"\xff" * 8,
        b"GGUF\x03\x00\x00\x00" + bytes(8) + b"\x01" + bytes(7) + b"\xff" * 8,
        b"GGUF\x03\x00\x00\x00" + bytes(8) + b"\x01" + bytes(7) + b"\x01" + bytes(7) + b"x" + b"\x63\x00\x00\x00",
    ],
)
def test_a_file_that_lies_about_itself_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelAltered):
        read_header(path)


def test_what_openvino_misreads_is_rewritten_and_the_rest_kept(tmp_path: Path) -> None:
    source, target = tmp_path / "tiny.gguf", tmp_path / "new.gguf"
    values = make_gguf(source)
    assert needs_requantising(read_header(source))
    assert requantise.main([str(source), str(target)]) == 0
    before, after = gguf.GGUFReader(source), gguf.GGUFReader(target)
    assert {tensor.name: tensor.tensor_type.name for tensor in after.tensors} == {
        "matrix": "Q8_0",
        "odd": "F16",
        "norm": "F32",
        "table": "Q8_0",
    }
    for tensor in after.tensors:
        found = quants.dequantize(tensor.data, tensor.tensor_type)
        np.testing.assert_allclose(found, values[tensor.name], atol=0.02)
    for name, field in before.fields.items():
        if not name.startswith("GGUF.") and name != "general.file_type":
            assert after.fields[name].contents() == field.contents(), name
    assert after.fields["general.file_type"].contents() == 7
    assert not needs_requantising(read_header(target))


def test_a_row_that_has_no_whole_blocks_becomes_half_precision(tmp_path: Path) -> None:
    class Tensor:
        tensor_type = gguf.GGMLQuantizationType.BF16
        data = quants.quantize(np.ones((2, 20), dtype=np.float32), gguf.GGMLQuantizationType.BF16)

    data, kind = requantise._faithful(Tensor())
    assert kind == gguf.GGMLQuantizationType.F16
    np.testing.assert_array_equal(data, np.ones((2, 20), dtype=np.float16))


def test_a_faithful_file_is_used_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "good.gguf"
    make_gguf(path, {"matrix": ("Q8_0", (4, 64))})
    assert readable_model(files_of(path, tmp_path / "cache"), tmp_path / "cache") == path


def test_a_file_is_rewritten_once(file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    files = files_of(file, cache)
    kept = readable_model(files, cache)
    assert files.digest[:16] in kept.name
    written = kept.stat().st_mtime_ns
    assert readable_model(files, cache) == kept
    assert kept.stat().st_mtime_ns == written
    kept.write_bytes(b"GGUF spoilt")
    assert readable_model(files, cache) == kept
    assert not needs_requantising(read_header(kept))


def test_a_rewriting_that_fails_is_named(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: str, seconds: float) -> None:
        raise ApartFailed("no space left")

    monkeypatch.setattr(prepared, "run_apart", fail)
    with pytest.raises(ModelAltered, match="no space left"):
        readable_model(files_of(file, tmp_path), tmp_path)


def test_a_tokenizer_that_is_not_exported_is_read_by_openvino(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: str, seconds: float) -> None:
        raise ApartFailed("unknown tokenizer")

    monkeypatch.setattr(prepared, "run_apart", fail)
    opened: list[Path] = []
    monkeypatch.setattr(prepared, "OpenVinoTokens", opened.append)
    open_tokens(files_of(file, tmp_path), tmp_path)
    assert opened == [file]
    assert caplog.records[0].__dict__["reason"] == "unknown tokenizer"


def test_a_folders_own_tokenizer_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ModelFiles("ir", tmp_path, "0" * 64)
    opened: list[Path] = []
    monkeypatch.setattr(prepared, "OpenVinoTokens", opened.append)
    open_tokens(folder, tmp_path)
    assert opened == [tmp_path]
    tokenizers.Tokenizer(tokenizers.models.WordLevel({"vpn": 4, "?": 0}, "?")).save(str(tmp_path / "tokenizer.json"))
    assert open_tokens(folder, tmp_path).ids("vpn") == [4]


@pytest.mark.parametrize(
    ("config", "context", "token_bytes"),
    [
        ({}, 1024, 131_072),
        ({"n_positions": 1024, "n_layer": 2, "n_head": 4, "n_embd": 64}, 1024, 2 * 2 * 4 * 16 * 2),
        (
            {"text_config": {"max_position_embeddings": 99, "num_hidden_layers": 1, "num_attention_heads": 2,
                             "num_key_value_heads": 1, "hidden_size": 8, "head_dim": 16}},
            99,
            2 * 1 * 1 * 16 * 2,
        ),
    ],
)  # fmt: skip
def test_a_folders_shape_follows_from_its_configuration(
    tmp_path: Path, config: dict[str, Any], context: int, token_bytes: int
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = read_shape(tmp_path)
    assert (shape.context_tokens, shape.token_bytes) == (context, token_bytes)
