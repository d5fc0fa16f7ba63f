"""Seams to models."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from app.domain.models import Delta, EmbedderSpec, Generation, GeneratorSpec, Prompt, RerankerSpec, Vectors


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def spec(self) -> EmbedderSpec:
        """The model at work."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text, in their order; texts past the model's length are cut at the end.

        Raises Overloaded when the queue is full, DependencyFailed when the model fails.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of `text` in the model's own tokenizer, special tokens left out.

        A word of one token is one the model knows as a whole.
        """
        ...


class Generator(Protocol):
    """A language model."""

    @property
    def spec(self) -> GeneratorSpec:
        """The model at work."""
        ...

    async def generate(self, prompt: Prompt, *, max_tokens: int) -> Generation:
        """Write at most `max_tokens` tokens, greedily: the same prompt gives the same text.

        Cancelling the call stops the work. Raises NotReady while loading, Overloaded when the queue is full,
        GenerationFailed when the model fails.
        """
        ...

    def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[Delta | Generation, None]:
        """Write the same text piece by piece; the whole of it comes last.

        Closing the iterator stops the work. Raises as `generate` does, also after some pieces.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of `text` in the model's own tokenizer."""
        ...

    def ready(self) -> bool:
        """Tell whether the model is loaded."""
        ...


class Reranker(Protocol):
    """A model that reads a question together with a text and says how well the text answers it."""

    @property
    def spec(self) -> RerankerSpec:
        """The model at work."""
        ...

    async def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return one finite score per text, in their order, on the model's own scale; higher is better.

        Calls may overlap. Raises Overloaded when the queue is full, DependencyFailed when the model fails.
        """
        ...
