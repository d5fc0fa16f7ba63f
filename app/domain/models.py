"""Which models are at work, said so that two runs can be compared."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
"""A matrix of shape (number of texts, dimension); every row has length 1."""


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """An embedding model: its public id, the SHA-256 of its weights, its output dimension, what runs it."""

    model_id: str
    digest: str
    dimension: int
    engine: str


@dataclass(frozen=True, slots=True)
class GeneratorSpec:
    """A language model: its public id, what runs it, on which device, and its context length in tokens."""

    model_id: str
    engine: str
    device: str
    context_tokens: int


@dataclass(frozen=True, slots=True)
class RerankerSpec:
    """A reranking model: its public id, the SHA-256 of its weights, what runs it, on which device."""

    model_id: str
    digest: str
    engine: str
    device: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A chat prompt: instructions first, then what is asked; the fixed part leads so that engines can reuse it."""

    system: str
    user: str


@dataclass(frozen=True, slots=True)
class Generation:
    """What a model wrote, and what it cost in its own tokens. `finish_reason` is `stop` or `length`."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str = "stop"


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of text as a model writes it: what is new, never the text so far."""

    text: str
