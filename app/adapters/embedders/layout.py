"""How a SentenceTransformer folder turns tokens into a vector, as far as OpenVINO can do the same."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import StartRefused
from app.modelfiles.safety import read_json, read_json_value

_POOLINGS = ("mean", "cls")
_LEGACY_PREFIX = "pooling_mode_"
_LEGACY = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
_LONGEST = 8192


class NotConvertible(StartRefused):
    """OpenVINO cannot run this embedding model faithfully; torch can."""

    code = "not_convertible"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the transformer is, and what happens before and after it; `max_tokens` counts special tokens too."""

    transformer: Path
    pooling: str
    max_tokens: int
    pad_id: int
    lower_case: bool


def read_layout(folder: Path) -> Layout:
    """Read a SentenceTransformer's folder, or a plain transformer's, which is pooled by the mean.

    Raises NotConvertible for anything but one transformer, mean or cls pooling, and normalisation.
    """
    modules = read_json_value(folder / "modules.json") or [{"type": "Transformer", "path": ""}]
    kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
    if kinds[:1] != ["Transformer"] or set(kinds[1:]) - {"Pooling", "Normalize"}:
        raise NotConvertible(f"modules {', '.join(kinds)} are more than a transformer, pooling and normalisation")
    transformer = folder / modules[0].get("path", "")
    if not (transformer / "tokenizer.json").is_file():
        raise NotConvertible("the model has no tokenizer.json")
    if read_json(folder / "config_sentence_transformers.json").get("default_prompt_name"):
        raise NotConvertible("the model puts a prompt in front of every text")
    pooling = next(
        (_pooling(folder / modules[at]["path"]) for at, kind in enumerate(kinds) if kind == "Pooling"), "mean"
    )
    if pooling not in _POOLINGS:
        raise NotConvertible(f"pooling by {pooling} is not supported")
    inner = read_json(transformer / "sentence_bert_config.json")
    config = read_json(transformer / "config.json")
    return Layout(
        transformer=transformer,
        pooling=pooling,
        max_tokens=_max_tokens(inner, config, read_json(transformer / "tokenizer_config.json")),
        pad_id=int(config.get("pad_token_id") or 0),
        lower_case=bool(inner.get("do_lower_case")),
    )


def _pooling(folder: Path) -> str:
    """Return the one way of pooling a configuration names, in its newer or its older form."""
    config = read_json(folder / "config.json")
    named = config.get("pooling_mode")
    if named is None:
        flags = [name.removeprefix(_LEGACY_PREFIX) for name, on in config.items() if _is_flag(name, on)]
        named = [_LEGACY.get(flag, flag) for flag in flags] or ["mean"]
    modes = [named] if isinstance(named, str) else list(named)
    return "+".join(str(mode) for mode in modes)


def _is_flag(name: str, value: Any) -> bool:
    return name.startswith(_LEGACY_PREFIX) and value is True


def _max_tokens(inner: dict[str, Any], config: dict[str, Any], tokenizer: dict[str, Any]) -> int:
    """Return the model's own limit, or the smaller of its tokenizer's and its position table's."""
    declared = inner.get("max_seq_length")
    if isinstance(declared, int):
        return declared
    found = (tokenizer.get("model_max_length"), config.get("max_position_embeddings"), _LONGEST)
    return min(int(limit) for limit in found if isinstance(limit, int | float) and limit > 0)
