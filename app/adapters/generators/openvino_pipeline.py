"""OpenVINO GenAI's continuous batching: many answers at once, a token of each at every step."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.adapters.generators.chat import folded, messages, plain
from app.adapters.generators.pieces import Told
from app.adapters.generators.settling import NAME
from app.domain.models import Generation, Prompt
from app.errors import GenerationFailed
from app.modelfiles.apart import block_telemetry

_KV_BLOCK_TOKENS = 32
_FAILURES = (RuntimeError, ValueError, IndexError, TypeError)
"""What the vendor's C++ exceptions become in Python."""


@dataclass(frozen=True, slots=True)
class PipelineLimits:
    """How a pipeline is run.

    `context_tokens` bounds one prompt and its answer together, `cache_tokens` what all answers and remembered prompt
    starts hold, `sequences` how many are written at once. `exact` computes with unrounded activations: the text then
    never depends on what else is being written, and takes a third longer. `threads` None means all cores.
    """

    context_tokens: int
    cache_tokens: int
    sequences: int = 16
    prefill_tokens: int = 256
    exact: bool = False
    threads: int | None = None


class OpenVinoPipeline:
    """A model loaded from a GGUF file or an OpenVINO folder; `cache_dir` keeps what was compiled."""

    def __init__(self, model: Path, cache_dir: Path, limits: PipelineLimits) -> None:
        """Load; blocks for seconds. Raises RuntimeError, or another of the vendor's."""
        block_telemetry()
        import openvino_genai  # noqa: PLC0415 - only after its telemetry is out of the way

        self._limits = limits
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.num_kv_blocks = limits.cache_tokens // _KV_BLOCK_TOKENS
        scheduler.max_num_seqs = limits.sequences
        scheduler.max_num_batched_tokens = limits.prefill_tokens
        scheduler.dynamic_split_fuse = True
        scheduler.enable_prefix_caching = True
        self._pipeline = openvino_genai.ContinuousBatchingPipeline(
            str(model), scheduler, "CPU", _properties(cache_dir, limits)
        )
        self._tokenizer = self._pipeline.get_tokenizer()
        self._templated = bool(self._tokenizer.get_original_chat_template())
        self._requests = 0

    def start(self, prompt: Prompt, max_tokens: int) -> "OpenVinoStream":
        """Begin an answer. Raises GenerationFailed where prompt and answer are longer than the context."""
        try:
            ids = self._tokenizer.encode(self._text(prompt), add_special_tokens=False).input_ids
            used = int(ids.shape[1])
            if used + max_tokens > self._limits.context_tokens:
                raise GenerationFailed(NAME, f"{used} + {max_tokens} tokens exceed {self._limits.context_tokens}")
            self._requests += 1
            handle = self._pipeline.add_request(self._requests, ids, self._config(max_tokens))
        except _FAILURES as error:
            raise GenerationFailed(NAME, type(error).__name__) from error
        return OpenVinoStream(handle, self._tokenizer, used)

    def step(self) -> bool:
        """Write the next token of every answer, and tell whether any is unfinished."""
        if self._pipeline.has_non_finished_requests():
            self._pipeline.step()
        return bool(self._pipeline.has_non_finished_requests())

    def _config(self, max_tokens: int) -> Any:
        config = self._pipeline.get_config()
        config.max_new_tokens = max_tokens
        config.do_sample = False
        config.num_beams = 1
        return config

    def _text(self, prompt: Prompt) -> str:
        if not self._templated:
            return plain(prompt)
        try:
            return str(self._tokenizer.apply_chat_template(messages(prompt), add_generation_prompt=True))
        except _FAILURES:
            # Some templates refuse a system part.
            merged = messages(folded(prompt))
            return str(self._tokenizer.apply_chat_template(merged, add_generation_prompt=True))


class OpenVinoStream:
    """One answer: its tokens as far as they are written."""

    def __init__(self, handle: Any, tokenizer: Any, prompt_tokens: int) -> None:
        self._handle = handle
        self._tokenizer = tokenizer
        self._prompt_tokens = prompt_tokens
        self._tokens: list[int] = []
        self._reason = ""
        self._told = Told()

    def finished(self) -> Generation | None:
        """Return the whole answer once it is written. Raises GenerationFailed where the model gave it up."""
        status = self._handle.get_status().name
        self._read()
        if status == "RUNNING":
            return None
        if status != "FINISHED":
            raise GenerationFailed(NAME, f"the request ended as {status}")
        text = str(self._tokenizer.decode(self._tokens))
        reason = "length" if self._reason == "LENGTH" else "stop"
        return Generation(text.strip(), self._prompt_tokens, len(self._tokens), reason)

    def piece(self) -> str:
        """Return what was written since the last call, as far as it will stay as it is."""
        self._read()
        return self._told.more(str(self._tokenizer.decode(self._tokens))) if self._tokens else ""

    def rest(self, answer: Generation) -> str:
        """Return what no piece has told of the whole answer."""
        return self._told.rest(answer.text)

    def _read(self) -> None:
        while self._handle.can_read():
            for output in self._handle.read().values():
                self._tokens += output.generated_ids
                self._reason = output.finish_reason.name

    def cancel(self) -> None:
        """Give the answer up; the next step frees what it held."""
        self._handle.cancel()


def _properties(cache_dir: Path, limits: PipelineLimits) -> dict[str, Any]:
    found: dict[str, Any] = {
        "CACHE_DIR": str(cache_dir),
        "INFERENCE_PRECISION_HINT": "f32",
        "KV_CACHE_PRECISION": "f16",
    }
    if limits.exact:
        found["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = "0"
    if limits.threads:
        found["INFERENCE_NUM_THREADS"] = limits.threads
    return found
