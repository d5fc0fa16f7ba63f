"""A causal language model in `transformers`: loaded, prompted and run; on a GPU, many answers in one batch."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.adapters.generators.chat import folded, messages, plain, valid
from app.adapters.generators.pieces import Hear, Told
from app.adapters.generators.quantisation import Quantisation, loading_options
from app.adapters.generators.settling import NAME
from app.adapters.generators.transformers_batches import Batches
from app.domain.models import Generation, Prompt
from app.errors import GenerationFailed


class TransformersModel:
    """A model from a folder with safetensors, or one GGUF file.

    `write` may be called by several threads where it is `batched`; `count_tokens` always.
    """

    def __init__(
        self,
        path: Path,
        device: str,
        context_tokens: int,
        quantisation: Quantisation = Quantisation.NONE,
        *,
        batched: bool | None = None,
    ) -> None:
        """Load; blocks for seconds. `batched` None means on a GPU."""
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
            place,
            dtype=_precision(torch, device),
            use_safetensors=None if path.is_file() else True,
            device_map=None if quantisation is Quantisation.NONE else device,
            **options,
            **loading_options(quantisation),
        )
        # Quantised weights are put on the device while they are read, and stay there.
        self._model = (model.to(device) if quantisation is Quantisation.NONE else model).eval()
        in_batches = device != "cpu" if batched is None else batched
        self._batches = Batches(self._model) if in_batches else None
        self._marks = tuple(str(mark) for mark in self._tokenizer.all_special_tokens)

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of `text`, special tokens left out."""
        # Fast tokenizers cannot be shared by threads while their settings may change.
        with self._tokenizing:
            return len(self._tokenizer.encode(valid(text), add_special_tokens=False, verbose=False))

    def write(self, prompt: Prompt, max_tokens: int, left: Callable[[], bool], hear: Hear | None = None) -> Generation:
        """Write an answer, `hear` being told its pieces.

        Stops early once `left` says that nobody waits for it. Raises GenerationFailed.
        """
        inputs = self._inputs(prompt)
        used = int(inputs["input_ids"].shape[1])
        if used + max_tokens > self._context_tokens:
            raise GenerationFailed(NAME, f"{used} + {max_tokens} tokens exceed {self._context_tokens}")
        told = Told()

        def tell(piece: str) -> None:
            if hear is not None and piece:
                hear(piece)

        seen = None if hear is None else lambda tokens: tell(told.more(self._decoded(tokens)))
        written = self._run(inputs, max_tokens, left, seen)
        text = self._decoded(written).strip()
        tell(told.rest(text))
        reason = "stop" if written and written[-1] in self._ends() else "length"
        return Generation(text, used, len(written), reason)

    def close(self) -> None:
        """End what runs in the background."""
        if self._batches is not None:
            self._batches.close()

    def _run(
        self, inputs: dict[str, Any], max_tokens: int, left: Callable[[], bool], seen: "_Seen | None"
    ) -> list[int]:
        if self._batches is not None:
            return self._batches.write(inputs["input_ids"][0].tolist(), max_tokens, left, seen)
        used = int(inputs["input_ids"].shape[1])
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
                stopping_criteria=[_Watch(self._torch, left, used, seen)],
            )
        written: list[int] = output[0][used:].tolist()
        return written

    def _decoded(self, tokens: list[int]) -> str:
        with self._tokenizing:
            return str(self._tokenizer.decode(tokens, skip_special_tokens=True))

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


_Seen = Callable[[list[int]], None]


class _Watch:
    """The stopping criterion that ends an answer nobody waits for, and shows what is written to `seen`."""

    def __init__(self, torch: Any, left: Callable[[], bool], used: int, seen: _Seen | None) -> None:
        self._torch = torch
        self._left = left
        self._used = used
        self._seen = seen

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - transformers' interface
        if self._seen is not None:
            self._seen(input_ids[0][self._used :].tolist())
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
