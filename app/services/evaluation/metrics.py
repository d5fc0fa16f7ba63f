"""The field's measures of ranking, for binary relevance (Järvelin and Kekäläinen 2002 for nDCG)."""

import math
from collections.abc import Collection, Sequence
from statistics import fmean


def ndcg(ranked: Sequence[str], relevant: Collection[str], k: int = 10) -> float:
    """Return the discounted cumulative gain at k, relative to the best possible."""
    gain = sum(1 / math.log2(at + 2) for at, item in enumerate(ranked[:k]) if item in relevant)
    best = sum(1 / math.log2(at + 2) for at in range(min(k, len(relevant))))
    return gain / best if best else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str], k: int = 10) -> float:
    """Return 1 / the rank of the first relevant item within k, else 0."""
    return next((1 / (at + 1) for at, item in enumerate(ranked[:k]) if item in relevant), 0.0)


def recall(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Return the share of the relevant items among the first k."""
    return len(set(ranked[:k]) & set(relevant)) / len(relevant) if relevant else 0.0


def hit(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Return 1 where any relevant item is among the first k, else 0."""
    return float(any(item in relevant for item in ranked[:k]))


def mean(values: Sequence[float]) -> float:
    """Return the mean, 0 of nothing."""
    return fmean(values) if values else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share (0..1) of the values lies, by nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))] if ordered else 0.0
