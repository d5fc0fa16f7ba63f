"""The embedding model through torch: on a GPU in half precision, or any SentenceTransformer on a CPU."""

import copy
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from app.adapters.embedders.batching import Batcher, BatchLimits
from app.adapters.embedders.encoder import unit_rows
from app.adapters.embedders.layout import NotConvertible
from app.adapters.embedders.probes import MIN_COSINE_HALF, PROBES, require_alike
from app.domain.models import EmbedderSpec, Vectors
from app.errors import ModelAltered
from app.modelfiles.device import has_gpu
from app.modelfiles.locate import ModelFiles

log = logging.getLogger(__name__)

_CPU_LIMITS = BatchLimits()
_GPU_LIMITS = BatchLimits(texts=256, size=262_144, quick_texts=256)


class TorchEmbedder:
    """Embeds with SentenceTransformer itself. `device` is `cuda` or `cpu`; None means the GPU where there is one.

    On a GPU in half precision where that gives the model's own vectors, else in 32 bits.
    """

    def __init__(self, files: ModelFiles, device: str | None = None) -> None:
        """Load the model; blocks for seconds. Raises ModelAltered where it cannot be read."""
        place = device or ("cuda" if has_gpu() else "cpu")
        half = place != "cpu"
        if half:
            self._model = half_if_faithful(lambda precision: _load(files, place, precision))
        else:
            self._model = _load(files, place, "float32")
        # A tokenizer of its own: the other one belongs to the worker thread.
        self._counter = copy.deepcopy(self._model.tokenizer)
        self._counting = threading.Lock()
        self._batch = (_GPU_LIMITS if half else _CPU_LIMITS).texts
        self._spec = EmbedderSpec(files.model_id, files.digest, self._dimension(), "torch")
        self._batcher = Batcher(self._run, _GPU_LIMITS if half else _CPU_LIMITS)

    @property
    def spec(self) -> EmbedderSpec:
        """The model at work."""
        return self._spec

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text; see the port."""
        if not texts:
            return np.empty((0, self._spec.dimension), dtype=np.float32)
        return await self._batcher.submit(texts)

    def count_tokens(self, text: str) -> int:
        """Return the number of the model's tokens in `text`, special tokens left out."""
        # Fast tokenizers cannot be shared by threads while their settings may change.
        with self._counting:
            return len(self._counter.encode(text, add_special_tokens=False, truncation=False, verbose=False))

    def close(self) -> None:
        """End the worker thread."""
        self._batcher.close()

    def _dimension(self) -> int:
        declared = self._model.get_embedding_dimension()
        return int(declared) if declared else int(self._run(["?"]).shape[1])

    def _run(self, texts: list[str]) -> Vectors:
        return _encode(self._model, texts, self._batch)


def half_if_faithful(load: Callable[[str], Any]) -> Any:
    """Return the model in half precision, or in 32 bits where its vectors of the probe texts come out differently.

    `load` gets the precision's name. Cosine >= 0.999 is asked of every probe text; what overflows has none.
    """
    full, half = load("float32"), load("float16")
    try:
        require_alike(lambda texts: _encode(half, texts), _encode(full, PROBES), MIN_COSINE_HALF)
    except NotConvertible as error:
        log.warning("embedding precision not used", extra={"precision": "float16", "reason": str(error)})
        return full
    return half


def _encode(model: Any, texts: Sequence[str], batch: int = 32) -> Vectors:
    return unit_rows(model.encode(list(texts), batch_size=batch, convert_to_numpy=True, show_progress_bar=False))


def _load(files: ModelFiles, place: str, precision: str) -> Any:
    import torch  # noqa: PLC0415 - seconds to import, and only where this adapter is chosen
    from safetensors import SafetensorError  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from transformers.utils import logging as library_logging  # noqa: PLC0415

    library_logging.disable_progress_bar()
    try:
        return SentenceTransformer(
            str(files.path),
            device=place,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True, "dtype": getattr(torch, precision)},
        ).eval()
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise ModelAltered(f"{files.model_id} cannot be loaded", "fetch the model again") from error
