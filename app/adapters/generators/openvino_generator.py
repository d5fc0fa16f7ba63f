"""A local language model on a CPU, through OpenVINO."""

import dataclasses
import json
from collections.abc import AsyncGenerator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from app.adapters.generators.openvino_pipeline import PipelineLimits
from app.adapters.generators.prepared import open_tokens, readable_model
from app.adapters.generators.quantisation import Quantisation, check_openvino
from app.adapters.generators.settling import NAME, report_load
from app.adapters.generators.shape import read_shape
from app.adapters.generators.tokens import Tokens
from app.adapters.generators.worker import Worker
from app.domain.models import Delta, Generation, GeneratorSpec, Prompt
from app.errors import GenerationFailed, ModelAltered, NotReady
from app.modelfiles.apart import module_command
from app.modelfiles.locate import ModelFiles, is_openvino

_WORKER = "app.adapters.generators.openvino_worker"
_CONTEXT_TOKENS = 4_096
_CACHE_BYTES = 256 * 2**20
_SEQUENCES = 16


class OpenVinoGenerator:
    """Writes many answers at once with a GGUF file or a model in OpenVINO's format, loaded in the background.

    At most `waiting` requests wait beside those being written. `exact` and `threads` as in PipelineLimits.
    """

    def __init__(
        self,
        files: ModelFiles,
        cache_dir: Path,
        *,
        waiting: int = 32,
        exact: bool = False,
        threads: int | None = None,
        quantisation: Quantisation = Quantisation.NONE,
    ) -> None:
        """Begin to load. Raises ModelAltered where the file is of a kind OpenVINO cannot read, SettingsInvalid."""
        check_openvino(quantisation)
        if files.path.is_dir() and not is_openvino(files.path):
            raise ModelAltered(
                f"{files.model_id} is neither GGUF nor in OpenVINO's format", "set LLM_BACKEND=transformers"
            )
        shape = read_shape(files.path)
        context = min(shape.context_tokens, _CONTEXT_TOKENS)
        # Room for one answer of full length, whatever a token costs.
        cache = max(_CACHE_BYTES // shape.token_bytes, context + context // 8)
        limits = PipelineLimits(context, cache, _SEQUENCES, exact=exact, threads=threads)
        self._files = files
        self._cache_dir = cache_dir
        self._limits = limits
        self._spec = GeneratorSpec(files.model_id, "openvino", "cpu", context)
        self._tokens = ThreadPoolExecutor(1, thread_name_prefix="tokenizer")
        self._tokenizer: Future[Tokens] | None = None
        self._worker = Worker(self._prepare, _SEQUENCES + waiting)

    @property
    def spec(self) -> GeneratorSpec:
        """The model at work."""
        return self._spec

    async def generate(self, prompt: Prompt, *, max_tokens: int) -> Generation:
        """Write at most `max_tokens` tokens; see the port."""
        return await self._worker.submit(prompt, max_tokens)

    def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[Delta | Generation, None]:
        """Write the same text piece by piece; see the port."""
        return self._worker.stream(prompt, max_tokens)

    def count_tokens(self, text: str) -> int:
        """Return the number of the model's tokens in `text`. Raises NotReady while loading, GenerationFailed."""
        self._worker.check()
        tokenizer = self._tokenizer
        if tokenizer is None or not tokenizer.done():
            raise NotReady(NAME)
        error = tokenizer.exception()
        if error is not None:
            raise GenerationFailed(NAME, f"no tokenizer ({type(error).__name__})") from error
        return len(tokenizer.result().ids(text))

    def ready(self) -> bool:
        """Tell whether the model is loaded, and its tokenizer."""
        tokenizer = self._tokenizer
        counting = tokenizer is not None and tokenizer.done() and tokenizer.exception() is None
        return counting and self._worker.ready()

    def close(self) -> None:
        """End the model's process."""
        self._worker.close()
        self._tokens.shutdown(wait=False, cancel_futures=True)

    def _prepare(self) -> list[str]:
        """Return the command of the model's process, and begin to load the tokenizer beside it."""
        if self._tokenizer is None:
            self._tokenizer = self._tokens.submit(open_tokens, self._files, self._cache_dir)
            self._tokenizer.add_done_callback(report_load)
        model = readable_model(self._files, self._cache_dir)
        limits = json.dumps(dataclasses.asdict(self._limits))
        return module_command(_WORKER, str(model), str(self._cache_dir / "compiled"), limits)
