"""Texts to unit vectors with `tokenizers` and OpenVINO: no torch, no transformers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.adapters.embedders.layout import Layout
from app.domain.models import Vectors
from app.modelfiles.apart import block_telemetry

_WIDTH_STEP = 8
_HEIGHTS = (1, 2, 3, 4, 6, 8, 12)
_HEIGHT_STEP = 16
Precision: TypeAlias = Literal["f32", "bf16"]
"""What the arithmetic is done in; weights and results are 32-bit floats in any case."""


def padded_shape(texts: int, longest: int, most: int) -> tuple[int, int]:
    """Return the rows and columns to compute for so many texts of at most so many tokens; the model reads `most`.

    OpenVINO keeps what it prepared for every shape it has seen: with shapes as they came, a service grew by 350 MiB.
    Of few shapes it keeps little, and what is padded was measured to cost no time that could be seen.
    """
    rows = next((height for height in _HEIGHTS if height >= texts), -(-texts // _HEIGHT_STEP) * _HEIGHT_STEP)
    return rows, max(1, longest, min(most, -(-longest // _WIDTH_STEP) * _WIDTH_STEP))


def unit_rows(rows: NDArray[Any]) -> Vectors:
    """Return the rows at length 1, as 32-bit floats."""
    exact: Vectors = np.asarray(rows, dtype=np.float32)
    lengths: Vectors = np.linalg.norm(exact, axis=1, keepdims=True).astype(np.float32)
    lengths[lengths == 0] = 1
    return exact / lengths


def native_precisions() -> tuple[Precision, ...]:
    """Return what this CPU computes in by itself, the fastest first."""
    block_telemetry()
    import openvino  # noqa: PLC0415 - only after its telemetry is out of the way

    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("bf16", "f32") if "BF16" in able else ("f32",)


class OpenVinoEncoder:
    """A converted model, ready to run; calls must not overlap. `threads` bounds the cores used; None means all."""

    def __init__(self, layout: Layout, model: Path, precision: Precision = "f32", threads: int | None = None) -> None:
        block_telemetry()
        import openvino  # noqa: PLC0415 - only after its telemetry is out of the way
        from tokenizers import Tokenizer  # noqa: PLC0415

        self._layout = layout
        self._tokenizer = Tokenizer.from_file(str(layout.transformer / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(layout.max_tokens)
        # One answer soon is worth more than many at once: the batches are made by whoever calls.
        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        limit = {"INFERENCE_NUM_THREADS": threads} if threads else {}
        compiled = openvino.Core().compile_model(str(model), "CPU", hints | limit)
        self._inputs = frozenset(name for port in compiled.inputs for name in port.names)
        self._rows = compiled.outputs[0]
        self._request = compiled.create_infer_request()

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self._rows.partial_shape[1].get_length())

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text."""
        ready = [self._layout.prompt + text for text in texts]
        if self._layout.lower_case:
            ready = [text.lower() for text in ready]
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(ready)]
        shape = padded_shape(len(ids), max(map(len, ids)), self._layout.max_tokens)
        tokens = np.full(shape, self._layout.pad_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, line in enumerate(ids):
            tokens[row, : len(line)] = line
            mask[row, : len(line)] = 1
        # A row without a token would be a mean over nothing.
        mask[len(ids) :, 0] = 1
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        wanted = {name: feed[name] for name in self._inputs & feed.keys()}
        return unit_rows(self._request.infer(wanted, share_inputs=True, share_outputs=True)[self._rows][: len(ids)])
