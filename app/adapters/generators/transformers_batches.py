"""Continuous batching in `transformers`: answers join and leave a running batch, a token of each at every step."""

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from app.adapters.generators.settling import NAME
from app.errors import GenerationFailed

_LOOK_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 5.0
_MEMORY_SHARE: Final = 0.7
"""Of what is free on the device when the first answer is asked for; the embedding model lives there too."""


class Batches:
    """Runs one model's batch; calls of `write` may overlap, each on a thread of its own."""

    def __init__(self, model: Any, **options: Any) -> None:
        """Start the batch's loop; `options` go to ContinuousBatchingConfig."""
        from transformers import ContinuousBatchingConfig, GenerationConfig  # noqa: PLC0415 - only on a GPU

        ends = model.generation_config.eos_token_id
        greedy = GenerationConfig(do_sample=False, num_beams=1, eos_token_id=-1 if ends is None else ends)
        config = ContinuousBatchingConfig(
            auto_switch_to_flash=False, **{"max_memory_percent": _MEMORY_SHARE, **options}
        )
        self._ends = greedy.eos_token_id
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._inboxes: dict[str, queue.SimpleQueue[Any]] = {}
        self._manager = model.init_continuous_batching(greedy, config)
        self._manager.start()
        threading.Thread(target=self._hand_out, name="generator-batches", daemon=True).start()

    def write(
        self,
        prompt: Sequence[int],
        max_tokens: int,
        left: Callable[[], bool],
        seen: Callable[[list[int]], None] | None = None,
    ) -> list[int]:
        """Return the tokens written; `seen` gets all of them so far at every step.

        Ends early once `left` says that nobody waits. Raises GenerationFailed where the batch failed.
        """
        name = str(next(self._numbers))
        inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with self._lock:
            self._inboxes[name] = inbox
        try:
            return self._written(name, inbox, (prompt, max_tokens), left, seen)
        finally:
            with self._lock:
                del self._inboxes[name]

    def close(self) -> None:
        """End the loop; answers being written fail."""
        self._manager.stop(hard_stop=True, timeout=_STOP_SECONDS)

    def _written(
        self,
        name: str,
        inbox: "queue.SimpleQueue[Any]",
        asked: tuple[Sequence[int], int],
        left: Callable[[], bool],
        seen: Callable[[list[int]], None] | None,
    ) -> list[int]:
        prompt, most = asked
        streaming = seen is not None
        if self._manager.add_request([*prompt], name, most, streaming=streaming, eos_token_id=self._ends) is None:
            raise GenerationFailed(NAME, "the batch has ended")
        tokens: list[int] = []
        while not left():
            with contextlib.suppress(queue.Empty):
                output = inbox.get(timeout=_LOOK_SECONDS)
                tokens = [*output.generated_tokens]
                if output.error is not None:
                    raise GenerationFailed(NAME, "the batch failed")
                if output.is_finished():
                    return tokens
                if seen is not None:
                    seen(tokens)
                continue
            if not self._manager.is_running():
                raise GenerationFailed(NAME, "the batch has ended")
        self._manager.cancel_request(name)
        return tokens

    def _hand_out(self) -> None:
        """Pass every output to whoever asked for it, until the batch ends."""
        for output in self._manager:
            with self._lock:
                inbox = self._inboxes.get(output.request_id)
            if inbox is not None:
                inbox.put(output)
