"""What happens to a text before a SentenceTransformer's modules see it, and whether OpenVINO can run those modules."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import StartRefused
from app.modelfiles.safety import read_json, read_json_value

# Modules that are tensors in, tensors out: they are converted with the transformer in front of them.
_MODULES = frozenset({"Pooling", "Normalize", "Dense", "LayerNorm", "Dropout"})
_LONGEST = 8192


class NotConvertible(StartRefused):
    """OpenVINO cannot run this embedding model faithfully; torch can."""

    code = "not_convertible"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the transformer is and how a text becomes tokens.

    `max_tokens` counts special tokens too; `prompt` is what the model puts in front of every text, mostly nothing.
    """

    transformer: Path
    max_tokens: int
    pad_id: int
    lower_case: bool
    prompt: str


def read_layout(folder: Path) -> Layout:
    """Read a SentenceTransformer's folder, or a plain transformer's.

    Raises NotConvertible for modules that are not one transformer with pooling, dense layers and normalisation, in
    any number and of any kind, behind it.
    """
    modules = read_json_value(folder / "modules.json") or [{"type": "Transformer", "path": ""}]
    kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
    if kinds[:1] != ["Transformer"] or set(kinds[1:]) - _MODULES:
        raise NotConvertible(
            f"modules {', '.join(kinds)} are more than a transformer and {', '.join(sorted(_MODULES))}"
        )
    transformer = folder / modules[0].get("path", "")
    if not (transformer / "tokenizer.json").is_file():
        raise NotConvertible("the model has no tokenizer.json")
    inner = read_json(transformer / "sentence_bert_config.json")
    config = read_json(transformer / "config.json")
    return Layout(
        transformer=transformer,
        max_tokens=_max_tokens(inner, config, read_json(transformer / "tokenizer_config.json")),
        pad_id=int(config.get("pad_token_id") or 0),
        lower_case=bool(inner.get("do_lower_case")),
        prompt=_prompt(folder, [folder / modules[at]["path"] for at, kind in enumerate(kinds) if kind == "Pooling"]),
    )


def _prompt(folder: Path, poolings: list[Path]) -> str:
    """Return the text a model puts in front of every text of its own accord."""
    config = read_json(folder / "config_sentence_transformers.json")
    prompt = str((config.get("prompts") or {}).get(config.get("default_prompt_name")) or "")
    if prompt and not all(read_json(place / "config.json").get("include_prompt", True) for place in poolings):
        raise NotConvertible("the model leaves its prompt out of the pooling")
    return prompt


def _max_tokens(inner: dict[str, Any], config: dict[str, Any], tokenizer: dict[str, Any]) -> int:
    """Return the model's own limit, or the smaller of its tokenizer's and its position table's."""
    declared = inner.get("max_seq_length")
    if isinstance(declared, int):
        return declared
    found = (tokenizer.get("model_max_length"), config.get("max_position_embeddings"), _LONGEST)
    return min(int(limit) for limit in found if isinstance(limit, int | float) and limit > 0)
