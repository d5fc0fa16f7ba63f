"""A cross-encoder through SentenceTransformers and torch: on a GPU where there is one, else on the CPU."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from app.domain.models import RerankerSpec
from app.errors import DependencyFailed, ModelAltered, Overloaded
from app.modelfiles.device import has_gpu
from app.modelfiles.locate import ModelFiles
from app.modelfiles.safety import read_json

_NAME = "reranker"
_LONGEST = 512
"""Tokens of question and text together; what is longer is cut at the end of the text."""

_CPU_BATCH = 8
_GPU_BATCH = 64
_FAILURES = (RuntimeError, ValueError, TypeError, LookupError, MemoryError)


class CrossEncoderReranker:
    """Scores with a cross-encoder of one output, on one worker thread; `room` is how many calls may be unanswered."""

    def __init__(self, files: ModelFiles, device: str | None = None, room: int = 8) -> None:
        """Load the model; blocks for seconds. Raises ModelAltered where it cannot be read or is no reranker."""
        place = device or ("cuda" if has_gpu() else "cpu")
        self._model = _load(files, place)
        self._spec = RerankerSpec(files.model_id, files.digest, "torch", place)
        self._batch = _CPU_BATCH if place == "cpu" else _GPU_BATCH
        self._room = room
        self._unanswered = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=_NAME)

    @property
    def spec(self) -> RerankerSpec:
        """The model at work."""
        return self._spec

    async def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return one score per text, the model's own logit; see the port."""
        if not texts:
            return []
        return await asyncio.wrap_future(self._submitted([(query, text) for text in texts]))

    def close(self) -> None:
        """End the worker thread after the calls that wait; later ones get DependencyFailed."""
        self._pool.shutdown(wait=True)

    def _submitted(self, pairs: list[tuple[str, str]]) -> "Future[list[float]]":
        with self._lock:
            if self._unanswered >= self._room:
                raise Overloaded(_NAME)
            try:
                future = self._pool.submit(self._run, pairs)
            except RuntimeError as error:
                raise DependencyFailed(_NAME, "closed") from error
            self._unanswered += 1
        # A caller that leaves cancels what has not begun, which counts as answered.
        future.add_done_callback(self._answered)
        return future

    def _answered(self, _: "Future[list[float]]") -> None:
        with self._lock:
            self._unanswered -= 1

    def _run(self, pairs: list[tuple[str, str]]) -> list[float]:
        try:
            found = self._model.predict(pairs, batch_size=self._batch, show_progress_bar=False, convert_to_numpy=True)
        except _FAILURES as error:
            raise DependencyFailed(_NAME, type(error).__name__) from error
        scores = np.asarray(found, dtype=np.float64)
        if scores.shape != (len(pairs),) or not np.isfinite(scores).all():
            raise DependencyFailed(_NAME, "scores that are no numbers")
        return [float(score) for score in scores]


def _load(files: ModelFiles, place: str) -> Any:
    architectures = read_json(files.path / "config.json").get("architectures") or []
    # Of any other model the library would make a cross-encoder with random weights in its last layer.
    if not any(str(name).endswith("ForSequenceClassification") for name in architectures):
        raise ModelAltered(f"{files.model_id} is no cross-encoder", "name a model made for reranking")

    from safetensors import SafetensorError  # noqa: PLC0415 - seconds to import, and only where this is chosen
    from sentence_transformers import CrossEncoder  # noqa: PLC0415
    from torch.nn import Identity  # noqa: PLC0415
    from transformers.utils import logging as library_logging  # noqa: PLC0415

    library_logging.disable_progress_bar()
    try:
        model = CrossEncoder(
            str(files.path),
            device=place,
            local_files_only=True,
            trust_remote_code=False,
            activation_fn=Identity(),
            model_kwargs={"use_safetensors": True},
        ).eval()
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise ModelAltered(f"{files.model_id} cannot be loaded", "fetch the model again") from error
    if model.num_labels != 1:
        raise ModelAltered(f"{files.model_id} has {model.num_labels} outputs, a reranker one", "choose another model")
    model.max_seq_length = min(model.max_seq_length or _LONGEST, _LONGEST)
    return model
