"""A deterministic embedder without a model: for tests, and for first runs on machines that have none.

Texts are near where they share words; it knows nothing of meaning.
"""

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from app.domain.models import EmbedderSpec, Vectors

_WORD = re.compile(r"\w+")


class HashingEmbedder:
    """Bags of hashed words, at length 1."""

    def __init__(self, dimension: int = 256) -> None:
        digest = hashlib.sha256(f"hashing-{dimension}".encode()).hexdigest()
        self._spec = EmbedderSpec("hashing", digest, dimension, "hashing")

    @property
    def spec(self) -> EmbedderSpec:
        """The model at work."""
        return self._spec

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text; see the port."""
        rows = np.zeros((len(texts), self._spec.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in _WORD.findall(text.lower()) or [""]:
                place = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest())
                row[place % self._spec.dimension] += 1
        lengths: Vectors = np.linalg.norm(rows, axis=1, keepdims=True).astype(np.float32)
        return rows / lengths

    def count_tokens(self, text: str) -> int:
        """Return the number of words."""
        return len(_WORD.findall(text))
