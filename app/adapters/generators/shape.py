"""What must be known of a language model before it is loaded: how long its context is, and what a token costs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.adapters.generators.gguf_header import read_header
from app.modelfiles.safety import read_json

_FALLBACK_CONTEXT = 1024
_FALLBACK_TOKEN_BYTES = 131_072
_HALF = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """`context_tokens` the model was made for, and the bytes one token takes in the attention cache (16-bit)."""

    context_tokens: int
    token_bytes: int


def read_shape(path: Path) -> Shape:
    """Read a GGUF file's head or a folder's config.json. Raises ModelAltered where it cannot be read."""
    if path.is_file():
        fact = read_header(path).fact
        heads = fact("attention.head_count") or 0
        size = fact("attention.key_length") or (fact("embedding_length") or 0) // max(heads, 1)
        return _shape(fact("context_length"), fact("block_count"), fact("attention.head_count_kv") or heads, size)
    config = _text_config(read_json(path / "config.json"))
    context = _first(config, "max_position_embeddings", "n_positions", "n_ctx", "seq_length")
    heads = _first(config, "num_attention_heads", "n_head") or 0
    size = _first(config, "head_dim") or (_first(config, "hidden_size", "n_embd") or 0) // max(heads, 1)
    layers = _first(config, "num_hidden_layers", "n_layer")
    return _shape(context, layers, _first(config, "num_key_value_heads") or heads, size)


def _text_config(config: dict[str, Any]) -> dict[str, Any]:
    inner = config.get("text_config")
    return inner if isinstance(inner, dict) else config


def _first(config: dict[str, Any], *names: str) -> int | None:
    return next((value for name in names if isinstance(value := config.get(name), int)), None)


def _shape(context: int | None, layers: int | None, heads: int, size: int) -> Shape:
    token = 2 * (layers or 0) * heads * size * _HALF
    return Shape(context or _FALLBACK_CONTEXT, token or _FALLBACK_TOKEN_BYTES)
