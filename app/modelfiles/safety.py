"""What a model's folder must hold, and must not, before any library is let near it."""

import json
from pathlib import Path
from typing import Any

from app.errors import ModelAltered, ModelMissing

_PICKLED = {".bin", ".pt", ".pth", ".ckpt"}
_OWN_CODE = "choose a model that runs without code of its own"


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of a model, empty where the file is not there. Raises ModelAltered."""
    value = read_json_value(path)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ModelAltered(f"{path.name} of the model holds no object", "fetch the model again")
    return value


def read_json_value(path: Path) -> Any:
    """Return whatever a JSON file of a model holds, None where the file is not there. Raises ModelAltered."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise ModelAltered(f"{path.name} of the model cannot be read", "fetch the model again") from error


def weights(folder: Path) -> list[Path]:
    """Return the safetensors files of one folder, in the order of their names."""
    return sorted(folder.glob("*.safetensors"))


def module_folders(folder: Path) -> list[Path]:
    """Return the folders a SentenceTransformer's modules are in. Raises ModelAltered for one outside its own."""
    modules = read_json_value(folder / "modules.json")
    if modules is None:
        return [folder]
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise ModelAltered("modules.json of the model holds no list of modules", "fetch the model again")
    places = [(folder / str(module.get("path", ""))).resolve() for module in modules]
    root = folder.resolve()
    if not all(place.is_relative_to(root) for place in places):
        raise ModelAltered("modules.json of the model points outside its folder", "fetch the model again")
    if not all(str(module.get("type", "")).startswith("sentence_transformers.") for module in modules):
        raise ModelAltered("modules.json of the model names code of its own", _OWN_CODE)
    return list(dict.fromkeys([root, *places]))


def check_folder(folder: Path) -> list[Path]:
    """Return the weights in a model's folder, all of them safetensors.

    Raises ModelAltered where the model asks to run code of its own, ModelMissing where a part has pickled weights
    alone, or none at all.
    """
    found: list[Path] = []
    for place in module_folders(folder):
        if "auto_map" in read_json(place / "config.json"):
            raise ModelAltered("config.json of the model asks to run code of its own (auto_map)", _OWN_CODE)
        here = weights(place)
        if not here and any(path.suffix in _PICKLED for path in place.glob("*model*")):
            raise ModelMissing(
                f"{folder.name} has pickled weights, which can run code when they are read",
                "use a copy of the model with safetensors weights",
            )
        found += here
    if not found:
        raise ModelMissing(f"{folder.name} holds no safetensors weights", "check the folder, or fetch the model again")
    return found
