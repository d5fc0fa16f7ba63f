"""An embedder whose vectors a test sets: all texts mean the same until it turns the angle."""

from collections.abc import Sequence

import numpy as np

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.domain.models import Vectors


class SetEmbedder(HashingEmbedder):
    """Embeds every text as the unit vector at `angle`, in radians."""

    angle = 0.0

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return np.array([[np.cos(self.angle), np.sin(self.angle)]] * len(texts), dtype=np.float32)
