"""Texts to unit vectors with `tokenizers` and OpenVINO: no torch, no transformers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.adapters.embedders.layout import Layout
from app.domain.models import Vectors
from app.modelfiles.apart import block_telemetry

_STATES = "last_hidden_state"
_TINY = 1e-12


def unit_rows(rows: NDArray[Any]) -> Vectors:
    """Return the rows at length 1, as 32-bit floats."""
    exact: Vectors = np.asarray(rows, dtype=np.float32)
    lengths: Vectors = np.linalg.norm(exact, axis=1, keepdims=True).astype(np.float32)
    lengths[lengths == 0] = 1
    return exact / lengths


class OpenVinoEncoder:
    """A converted model, ready to run; calls must not overlap."""

    def __init__(self, layout: Layout, model: Path, threads: int | None = None) -> None:
        block_telemetry()
        import openvino  # noqa: PLC0415 - only after its telemetry is out of the way
        from tokenizers import Tokenizer  # noqa: PLC0415

        self._layout = layout
        self._tokenizer = Tokenizer.from_file(str(layout.transformer / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(layout.max_tokens)
        # One answer soon is worth more than many at once: the batches are made by whoever calls.
        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        limit = {"INFERENCE_NUM_THREADS": threads} if threads else {}
        compiled = openvino.Core().compile_model(str(model), "CPU", hints | limit)
        self._inputs = frozenset(name for port in compiled.inputs for name in port.names)
        self._states = next(port for port in compiled.outputs if _STATES in port.names)
        self._request = compiled.create_infer_request()

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self._states.partial_shape[2].get_length())

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text."""
        ready = [text.lower() for text in texts] if self._layout.lower_case else list(texts)
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(ready)]
        shape = (len(ids), max(1, *map(len, ids)))
        tokens = np.full(shape, self._layout.pad_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, line in enumerate(ids):
            tokens[row, : len(line)] = line
            mask[row, : len(line)] = 1
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        wanted = {name: feed[name] for name in self._inputs & feed.keys()}
        states = self._request.infer(wanted, share_inputs=True, share_outputs=True)[self._states]
        return unit_rows(self._pool(states, mask))

    def _pool(self, states: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        if self._layout.pooling == "cls":
            return states[:, 0]
        weight = mask[..., None].astype(np.float32)
        pooled: NDArray[np.float32] = (states * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), _TINY)
        return pooled
