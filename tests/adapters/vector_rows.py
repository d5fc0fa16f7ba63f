"""Clustered unit vectors, as embeddings are, and what an exact search finds among them."""

import numpy as np
from numpy.typing import NDArray

from app.domain.models import Vectors


def units(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def clustered(count: int, dimension: int, topics: int, seed: int = 7) -> Vectors:
    """Topics come one after the other: neighbouring rows are near to one another, as passages of a document are."""
    random = np.random.default_rng(seed)
    centres = units(random.standard_normal((topics, dimension), dtype=np.float32))
    owners = np.sort(random.integers(topics, size=count))
    noise = random.standard_normal((count, dimension), dtype=np.float32) * np.arange(1, dimension + 1) ** -0.5
    return units(centres[owners] + 0.8 * units(np.asarray(noise, np.float32)))


def nearest(rows: Vectors, query: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None) -> set[int]:
    among = np.arange(len(rows)) if allowed is None else allowed
    return set(among[np.argsort(-(rows[among] @ query), kind="stable")[:k]].tolist())
