"""A causal language model in `transformers`: loaded, prompted and run, one answer at a time."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.adapters.generators.chat import folded, messages, plain
from app.adapters.generators.settling import NAME
from app.domain.models import Generation, Prompt
from app.errors import GenerationFailed


class TransformersModel:
    """A model from a folder with safetensors, or one GGUF file; only `count_tokens` may be called by any thread."""

    def __init__(self, path: Path, device: str, context_tokens: int) -> None:
        """Load; blocks for seconds."""
        # One of its progress bars knows no other switch, and a service has nobody to show it to.
        os.environ.setdefault("TQDM_DISABLE", "1")
        import torch  # noqa: PLC0415 - seconds to import, and only where this adapter is chosen
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415

        logging.disable_progress_bar()
        self._torch = torch
        self._device = device
        self._context_tokens = context_tokens
        self._tokenizing = threading.Lock()
        place, options = _source(path)
        self._tokenizer = AutoTokenizer.from_pretrained(place, **options)
        model = AutoModelForCausalLM.from_pretrained(
            place, dtype=_precision(torch, device), use_safetensors=None if path.is_file() else True, **options
        )
        self._model = model.to(device).eval()
        self._marks = tuple(str(mark) for mark in self._tokenizer.all_special_tokens)

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of `text`, special tokens left out."""
        # Fast tokenizers cannot be shared by threads while their settings may change.
        with self._tokenizing:
            return len(self._tokenizer.encode(text, add_special_tokens=False, verbose=False))

    def write(self, prompt: Prompt, max_tokens: int, left: Callable[[], bool]) -> Generation:
        """Write an answer, and stop early once `left` says that nobody waits for it. Raises GenerationFailed."""
        inputs = self._inputs(prompt)
        used = int(inputs["input_ids"].shape[1])
        if used + max_tokens > self._context_tokens:
            raise GenerationFailed(NAME, f"{used} + {max_tokens} tokens exceed {self._context_tokens}")
        with self._torch.inference_mode():
            output = self._model.generate(
                **inputs,
                max_new_tokens=max_tokens,
                do_sample=False,
                num_beams=1,
                # What a model's own settings say of sampling has no meaning here, and would be warned of.
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=self._pad(),
                stopping_criteria=[_Left(self._torch, left)],
            )
        written = output[0][used:].tolist()
        with self._tokenizing:
            text = str(self._tokenizer.decode(written, skip_special_tokens=True))
        reason = "stop" if written and written[-1] in self._ends() else "length"
        return Generation(text.strip(), used, len(written), reason)

    def _inputs(self, prompt: Prompt) -> dict[str, Any]:
        with self._tokenizing:
            templated = bool(self._tokenizer.chat_template)
            text = self._templated(prompt) if templated else plain(prompt)
            # A template writes the special tokens itself.
            encoded = self._tokenizer(text, return_tensors="pt", add_special_tokens=not templated, verbose=False)
        names = ("input_ids", "attention_mask")
        return {name: encoded[name].to(self._device) for name in names}

    def _templated(self, prompt: Prompt) -> str:
        from jinja2 import TemplateError  # noqa: PLC0415 - comes with transformers

        try:
            return self._render(prompt)
        except TemplateError:
            # Some templates refuse a system part.
            return self._render(folded(prompt))

    def _render(self, prompt: Prompt) -> str:
        turns = messages(prompt, self._marks)
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def _ends(self) -> frozenset[int]:
        ends = self._model.generation_config.eos_token_id
        return frozenset([ends] if isinstance(ends, int) else ends or [])

    def _pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(pad) if pad is not None else min(self._ends(), default=0)


class _Left:
    """The stopping criterion that ends an answer nobody waits for."""

    def __init__(self, torch: Any, left: Callable[[], bool]) -> None:
        self._torch = torch
        self._left = left

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - transformers' interface
        return self._torch.full((input_ids.shape[0],), self._left(), dtype=self._torch.bool, device=input_ids.device)


def _source(path: Path) -> tuple[str, dict[str, Any]]:
    shared = {"local_files_only": True, "trust_remote_code": False}
    if path.is_file():
        return str(path.parent), {**shared, "gguf_file": path.name}
    return str(path), shared


def _precision(torch: Any, device: str) -> Any:
    """Half of 32 bits on a GPU: bfloat16 where it can, since some models overflow in float16."""
    if device == "cpu":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
