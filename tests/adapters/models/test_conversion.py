"""An embedding model is converted once, faithfully or not at all."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.adapters.embedders import conversion, openvino_embedder, torch_embedder
from app.adapters.embedders.encoder import OpenVinoEncoder
from app.adapters.embedders.layout import NotConvertible, read_layout
from app.adapters.embedders.openvino_embedder import OpenVinoEmbedder
from app.adapters.embedders.torch_embedder import TorchEmbedder
from app.errors import ModelAltered, StartRefused
from app.modelfiles.apart import ApartFailed
from app.modelfiles.device import has_gpu
from app.modelfiles.locate import ModelFiles, embedding_model

pytest_plugins = ["tiny_models"]


@pytest.fixture
def copy(tiny_embedder: ModelFiles, tmp_path: Path) -> Path:
    """Return a copy of the tiny model that the test may spoil."""
    return Path(shutil.copytree(tiny_embedder.path, tmp_path / "model"))


@pytest.fixture(scope="module")
def converted(tiny_embedder: ModelFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("converted") / "tiny"
    conversion.convert(tiny_embedder.path, target)
    return target


def edit(path: Path, **changes: Any) -> None:
    value = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(value | changes))


def test_the_tiny_models_layout(tiny_embedder: ModelFiles) -> None:
    layout = read_layout(tiny_embedder.path)
    assert (layout.max_tokens, layout.pad_id, layout.lower_case, layout.prompt) == (64, 0, False, "")
    assert layout.transformer == tiny_embedder.path


def test_older_folders_are_understood(copy: Path) -> None:
    edit(copy / "sentence_bert_config.json", max_seq_length=48, do_lower_case=True)
    layout = read_layout(copy)
    assert (layout.max_tokens, layout.lower_case) == (48, True)


def test_a_plain_transformer_is_read(copy: Path) -> None:
    for name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (copy / name).unlink()
    edit(copy / "tokenizer_config.json", model_max_length=1e30)
    assert read_layout(copy).max_tokens == 64


def convolution(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules.insert(1, {"path": "2_CNN", "type": "sentence_transformers.models.CNN"})
    (folder / "modules.json").write_text(json.dumps(modules))


def prompt_left_out(folder: Path) -> None:
    edit(folder / "config_sentence_transformers.json", default_prompt_name="query", prompts={"query": "query: "})
    edit(folder / "1_Pooling" / "config.json", include_prompt=False)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (convolution, "CNN"),
        (prompt_left_out, "prompt"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer.json"),
    ],
)
def test_what_openvino_cannot_do_alike_is_left_to_torch(
    copy: Path, spoil: Callable[[Path], Any], message: str, tmp_path: Path
) -> None:
    files = embedding_model(str(copy), tmp_path / "cache")
    spoil(copy)
    with pytest.raises(NotConvertible, match=message) as caught:
        OpenVinoEmbedder(files, tmp_path / "cache")
    assert isinstance(caught.value, StartRefused)


def test_the_conversion_runs_as_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[Path, Path]] = []
    monkeypatch.setattr(conversion, "convert", lambda folder, target: done.append((folder, target)))
    assert conversion.main(["a", "b"]) == 0
    assert done == [(Path("a"), Path("b"))]


_WATCH = """
import sys
def note(name, arguments):
    if name in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        open(%r, "a").write(name + "\\n")
sys.addaudithook(note)
open(%r, "a").write("watching\\n")
"""


def test_a_conversion_asks_nobody_anything(
    tiny_embedder: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = str(tmp_path / "notes")
    (tmp_path / "sitecustomize.py").write_text(_WATCH % (notes, notes))
    monkeypatch.syspath_prepend(str(tmp_path))
    # A home folder that can be written and no sign of CI: what makes telemetry speak.
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CI", "TF_BUILD", "JENKINS_URL", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    # A cache of its own: another test may have had it converted already.
    OpenVinoEmbedder(tiny_embedder, tmp_path / "cache").close()
    assert set(Path(notes).read_text().split()) == {"watching"}
    assert not (tmp_path / "intel").exists()


def test_texts_are_lowered_where_the_model_says_so(copy: Path, converted: Path) -> None:
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    tokenizer["normalizer"] = None
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    strict = OpenVinoEncoder(read_layout(copy), converted / "model.xml")
    edit(copy / "sentence_bert_config.json", do_lower_case=True)
    lowering = OpenVinoEncoder(read_layout(copy), converted / "model.xml")
    plain = lowering(["reset my password"])
    np.testing.assert_allclose(lowering(["Reset MY Password"]), plain, atol=1e-6)
    assert float(strict(["Reset MY Password"])[0] @ plain[0]) < 0.99


@pytest.fixture
def kept(converted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    """Return a cache folder, and the list of conversions made into it, all copies of one."""
    made: list[str] = []

    def here(module: str, source: str, target: str, *, seconds: float) -> None:
        made.append(module)
        shutil.copytree(converted, target, dirs_exist_ok=True)

    monkeypatch.setattr(openvino_embedder, "run_apart", here)
    return tmp_path / "cache", made


def test_a_model_is_converted_once(tiny_embedder: ModelFiles, kept: tuple[Path, list[str]]) -> None:
    cache, made = kept
    for _ in range(2):
        OpenVinoEmbedder(tiny_embedder, cache).close()
    assert made == ["app.adapters.embedders.conversion"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "model.bin").write_bytes(b"half"),
        lambda folder: (folder / "model.xml").unlink(),
        lambda folder: (folder / "digests.json").write_text("{"),
        lambda folder: (folder / "probes.npy").write_bytes(b"x"),
    ],
)
def test_a_spoilt_conversion_is_made_again(
    tiny_embedder: ModelFiles, kept: tuple[Path, list[str]], spoil: Callable[[Path], Any]
) -> None:
    cache, made = kept
    OpenVinoEmbedder(tiny_embedder, cache).close()
    (folder,) = (cache / "embedders").iterdir()
    spoil(folder)
    OpenVinoEmbedder(tiny_embedder, cache).close()
    assert len(made) == 2


def test_other_weights_or_another_configuration_are_converted_anew(
    copy: Path, kept: tuple[Path, list[str]], tmp_path: Path
) -> None:
    cache, _ = kept
    OpenVinoEmbedder(embedding_model(str(copy), cache), cache).close()
    for place, change in (
        ("config.json", {"layer_norm_eps": 1e-6}),
        ("1_Pooling/config.json", {"pooling_mode": "cls"}),
    ):
        edit(copy / place, **change)
        OpenVinoEmbedder(embedding_model(str(copy), cache), cache).close()
    assert len(list((cache / "embedders").iterdir())) == 3


def test_a_conversion_that_fails_is_named(
    tiny_embedder: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: str, seconds: float) -> None:
        raise ApartFailed("no space left")

    monkeypatch.setattr(openvino_embedder, "run_apart", fail)
    with pytest.raises(NotConvertible, match="no space left"):
        OpenVinoEmbedder(tiny_embedder, tmp_path)


def test_torch_refuses_weights_it_cannot_read(copy: Path, tmp_path: Path) -> None:
    files = embedding_model(str(copy), tmp_path / "cache")
    (copy / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelAltered, match="cannot be loaded"):
        TorchEmbedder(files, "cpu")


@pytest.mark.cuda
async def test_torch_takes_the_gpu(tiny_embedder: ModelFiles) -> None:
    if not has_gpu():
        pytest.skip("no GPU here")
    on_gpu, on_cpu = TorchEmbedder(tiny_embedder), TorchEmbedder(tiny_embedder, "cpu")
    assert on_gpu._model.device.type == "cuda"
    np.testing.assert_allclose(await on_gpu.embed(["vpn"]), await on_cpu.embed(["vpn"]), atol=0.01)
    on_gpu.close()
    on_cpu.close()


def test_torch_runs_where_there_is_no_gpu(tiny_embedder: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_embedder, "has_gpu", lambda: False)
    embedder = TorchEmbedder(tiny_embedder)
    assert embedder._model.device.type == "cpu"
    embedder.close()
