"""Counting with a model's tokenizer, without the model; calls may overlap."""

from pathlib import Path
from typing import Protocol

from app.adapters.generators.chat import valid
from app.modelfiles.apart import block_telemetry


class Tokens(Protocol):
    """A tokenizer."""

    def ids(self, text: str) -> list[int]:
        """Return the tokens of `text`, special tokens left out."""
        ...


class JsonTokens:
    """A tokenizer from a tokenizer.json."""

    def __init__(self, path: Path) -> None:
        """Load; raises Exception, its library's own, where the file is no tokenizer."""
        from tokenizers import Tokenizer  # noqa: PLC0415 - only where a local model is used

        self._tokenizer = Tokenizer.from_file(str(path))
        # Set once, before it is shared: a tokenizer must not be changed while another thread uses it.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def ids(self, text: str) -> list[int]:
        """Return the tokens of `text`, special tokens left out."""
        return list(self._tokenizer.encode(valid(text), add_special_tokens=False).ids)


class OpenVinoTokens:
    """A tokenizer as OpenVINO reads it from a GGUF file or a folder."""

    def __init__(self, model: Path) -> None:
        """Load; holds Python's lock for seconds where it is a GGUF file. Raises RuntimeError."""
        block_telemetry()
        import openvino_genai  # noqa: PLC0415 - only after its telemetry is out of the way

        self._tokenizer = openvino_genai.Tokenizer(str(model))
        # A model without a tokenizer is only noticed when it is used.
        self.ids("?")

    def ids(self, text: str) -> list[int]:
        """Return the tokens of `text`, special tokens left out."""
        if not text:
            return []
        return [int(token) for token in self._tokenizer.encode(valid(text), add_special_tokens=False).input_ids.data[0]]
