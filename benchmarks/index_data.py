"""Made-up passages: unit vectors from a mixture of Gaussians whose sizes are heavy-tailed, as topics are.

Each topic has a random direction; its passages lie around it with more variance in some directions than in others, as
embeddings do. A topic has 250 passages on average (Zipf: the largest hundreds of times as many as the smallest).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.domain.models import Vectors

CHUNK = 50_000
SPREAD = 0.8
"""The length of what is added to a topic's unit vector; two passages of one topic have a cosine near 0.6."""
_ROWS_PER_TOPIC = 250
_TOPICS = (50, 4_000)
_DECAY = 0.5
_ZIPF = 0.9


class Mixture:
    """Draws from one mixture; the same seed gives the same vectors."""

    def __init__(self, rows: int, dimension: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        topics = int(np.clip(rows // _ROWS_PER_TOPIC, *_TOPICS))
        self._topics = _units(self._random.standard_normal((topics, dimension), dtype=np.float32))
        weights = np.arange(1, topics + 1) ** -_ZIPF
        self._weights = weights / weights.sum()
        scales = np.arange(1, dimension + 1) ** -_DECAY
        turned = np.linalg.qr(self._random.standard_normal((dimension, dimension)))[0]
        self._shape: NDArray[np.float32] = (scales / np.linalg.norm(scales) * SPREAD)[:, None].astype(
            np.float32
        ) * turned.astype(np.float32)

    def draw(self, count: int) -> Vectors:
        """Return so many unit vectors, shape (count, dimension)."""
        topic = self._random.choice(len(self._topics), count, p=self._weights)
        noise = self._random.standard_normal((count, len(self._shape)), dtype=np.float32) @ self._shape
        return _units(self._topics[topic] + noise)


def write(path: Path, rows: int, dimension: int, queries: int, seed: int = 1) -> Vectors:
    """Write rows to a .npy file, chunk by chunk; return queries from the same mixture that are not among them."""
    mixture = Mixture(rows, dimension, seed)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, dimension))
    for start in range(0, rows, CHUNK):
        out[start : start + CHUNK] = mixture.draw(min(CHUNK, rows - start))
    out.flush()
    return mixture.draw(queries)


def _units(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
