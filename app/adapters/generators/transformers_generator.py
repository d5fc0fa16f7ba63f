"""Any Hugging Face causal language model, through `transformers`: on a GPU where there is one."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.adapters.generators.pieces import Hear, pieces_of
from app.adapters.generators.quantisation import Quantisation, check_transformers
from app.adapters.generators.settling import NAME, report_load, settle
from app.adapters.generators.shape import read_shape
from app.adapters.generators.transformers_model import TransformersModel
from app.domain.models import Delta, Generation, GeneratorSpec, Prompt
from app.errors import GenerationFailed, NotReady, Overloaded
from app.modelfiles.device import has_gpu
from app.modelfiles.locate import ModelFiles

_LOADING_SECONDS = 10.0
_MOST_CONTEXT_TOKENS = 8_192
_GPU_SEQUENCES = 64


class Model(Protocol):
    """A loaded model; on a GPU, several threads may have it write at once."""

    def write(self, prompt: Prompt, max_tokens: int, left: Callable[[], bool], hear: Hear | None = None) -> Generation:
        """Write an answer, telling `hear` its pieces; stop early once `left` returns True."""
        ...

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of `text`."""
        ...

    def close(self) -> None:
        """End what runs in the background."""
        ...


@dataclass(slots=True, eq=False)
class _Job:
    prompt: Prompt
    max_tokens: int
    hear: Hear | None = None
    future: "Future[Generation]" = field(default_factory=Future)


class TransformersGenerator:
    """Writes answers on threads of its own, where the model is loaded in the background.

    On a CPU one at a time: transformers' batches gain nothing there. On a GPU many in one running batch. At most
    `waiting` requests wait beside those being written. `device` None means a GPU where there is one.
    """

    def __init__(
        self,
        files: ModelFiles,
        *,
        device: str | None = None,
        waiting: int = 8,
        quantisation: Quantisation = Quantisation.NONE,
        load: Callable[[Path, str, int, Quantisation], Model] = TransformersModel,
    ) -> None:
        """Begin to load. Raises ModelAltered where the model's configuration cannot be read, SettingsInvalid."""
        place = device or ("cuda" if has_gpu() else "cpu")
        check_transformers(quantisation, place)
        sequences = 1 if place == "cpu" else _GPU_SEQUENCES
        context = min(read_shape(files.path).context_tokens, _MOST_CONTEXT_TOKENS)
        self._spec = GeneratorSpec(files.model_id, "transformers", place, context)
        self._limit = sequences + waiting
        self._inside = 0
        self._closed = False
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(sequences, thread_name_prefix="generator")
        self._model = self._pool.submit(load, files.path, place, context, quantisation)
        self._model.add_done_callback(report_load)

    @property
    def spec(self) -> GeneratorSpec:
        """The model at work."""
        return self._spec

    async def generate(self, prompt: Prompt, *, max_tokens: int) -> Generation:
        """Write at most `max_tokens` tokens; see the port."""
        return await asyncio.wrap_future(self._enter(_Job(prompt, max_tokens)))

    def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[Delta | Generation, None]:
        """Write the same text piece by piece; see the port."""
        return pieces_of(lambda hear: self._enter(_Job(prompt, max_tokens, hear)))

    def _enter(self, job: _Job) -> "Future[Generation]":
        model = self._loaded()
        with self._lock:
            if self._inside >= self._limit:
                raise Overloaded(NAME)
            self._inside += 1
        # A caller who leaves makes room at once, though the thread may still have to pass over the job.
        job.future.add_done_callback(self._leave)
        self._send(model, job)
        return job.future

    def count_tokens(self, text: str) -> int:
        """Return the number of the model's tokens in `text`. Raises NotReady while loading."""
        return self._loaded().count_tokens(text)

    def ready(self) -> bool:
        """Tell whether the model is loaded."""
        return self._model.done() and self._model.exception() is None and not self._closed

    def close(self) -> None:
        """Stop the answer at hand and end the thread; callers that still wait get GenerationFailed."""
        self._closed = True
        self._pool.shutdown(wait=True)
        if self._model.done() and not self._model.cancelled() and self._model.exception() is None:
            self._model.result().close()

    def _loaded(self) -> Model:
        if self._closed:
            raise GenerationFailed(NAME, "closed")
        if not self._model.done():
            raise NotReady(NAME, _LOADING_SECONDS)
        error = self._model.exception()
        if error is not None:
            raise GenerationFailed(NAME, f"not loaded ({type(error).__name__})") from error
        return self._model.result()

    def _send(self, model: Model, job: _Job) -> None:
        try:
            turn = self._pool.submit(self._write, model, job)
        except RuntimeError:
            # Closed, or the interpreter is going down.
            settle(job.future, GenerationFailed(NAME, "closed"))
            return
        turn.add_done_callback(lambda done: settle(job.future, done.exception() or done.result()))

    def _write(self, model: Model, job: _Job) -> Generation:
        def left() -> bool:
            return self._closed or job.future.cancelled()

        # Whoever waited in the queue and left has no answer written at all.
        answer = Generation("", 0, 0) if left() else model.write(job.prompt, job.max_tokens, left, job.hear)
        if self._closed:
            raise GenerationFailed(NAME, "closed")
        return answer

    def _leave(self, _: "Future[Generation]") -> None:
        with self._lock:
            self._inside -= 1
