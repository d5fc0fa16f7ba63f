"""Builds a FAISS index in bounded memory, and raises its search effort until it finds what an exact search finds."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeAlias

import faiss
import numpy as np
from numpy.typing import NDArray

from app.adapters.index.faiss_finders import threads
from app.adapters.index.faiss_plan import LINKS, IndexKind, IndexPlan
from app.adapters.index.faiss_rows import BLOCK
from app.domain.models import Vectors

_faiss: Any = faiss
"""FAISS' type stubs lack what its Python layer adds."""

GOAL = 0.97
"""Aimed at on the sample, whose own error is near 0.01, so that ENOUGH holds."""
ENOUGH = 0.95
NEAREST = 10
QUERIES = 256
_ROUNDS = 10
_TRAINED_ROWS_PER_CENTROID = 40
_GRAPH_EFFORT_AT_BUILD = 120

Search: TypeAlias = Callable[[NDArray[np.float32], int], NDArray[np.int64]]


def build(vectors: Vectors, plan: IndexPlan) -> Any:
    """Return a FAISS index of all rows; a memory-mapped matrix is read block by block."""
    index = _trained(vectors, plan)
    for start in range(0, len(vectors), BLOCK):
        index.add(_block(vectors, start))
    return index


def sample_queries(vectors: Vectors, count: int = QUERIES, seed: int = 11) -> Vectors:
    """Return unit vectors near to rows, as questions are to passages: half are rows with noise, half lean to a second.

    Their cosine to the row they come from is about 0.8.
    """
    random = np.random.default_rng(seed)
    rows, others = np.sort(random.integers(len(vectors), size=(2, count)), axis=1)
    random.shuffle(others)
    noise = random.standard_normal((count, vectors.shape[1]), dtype=np.float32)
    noise[::2] = vectors[others][::2]
    queries = np.asarray(vectors[rows], np.float32) + 0.75 * _units(noise)
    return _units(queries)


def nearest(vectors: Vectors, queries: Vectors, k: int = NEAREST) -> NDArray[np.float32]:
    """Return each query's k largest similarities, best first, by comparing with every row."""
    best = np.full((len(queries), k), -np.inf, np.float32)
    for start in range(0, len(vectors), BLOCK):
        scores = queries @ _block(vectors, start).T
        if scores.shape[1] > k:
            scores = -np.partition(-scores, k - 1, axis=1)[:, :k]
        best = -np.sort(-np.hstack([best, scores]), axis=1)[:, :k]
    return best


def recall(vectors: Vectors, queries: Vectors, truth: NDArray[np.float32], search: Search) -> float:
    """Return the share of the nearest that a search finds; rows as near as the last of them count as much."""
    k = min(truth.shape[1], len(vectors))
    hits = 0
    for query, expected in zip(queries, truth, strict=True):
        found = np.asarray(vectors[np.sort(search(query, k))], np.float32) @ query
        hits += min(k, int((found >= expected[k - 1] - 1e-6).sum()))
    return float(hits / (k * len(queries)))


def raised(effort: int, limit: int) -> int:
    """Return the next larger effort."""
    return min(limit, max(effort + 1, effort * 3 // 2))


def _trained(vectors: Vectors, plan: IndexPlan) -> Any:
    dimension = vectors.shape[1]
    if plan.kind is IndexKind.FLAT:
        return faiss.IndexFlatIP(dimension)
    if plan.kind is IndexKind.GRAPH:
        index = _faiss.IndexHNSWSQ(dimension, _faiss.ScalarQuantizer.QT_8bit, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = _GRAPH_EFFORT_AT_BUILD
        index.hnsw.efSearch = plan.effort
        index.train(_sample(vectors, 1_024))
        return index
    index = _lists(dimension, plan)
    index.nprobe = plan.effort
    index.cp.niter = _ROUNDS
    # Each of the quantiser's k-means is over before a second thread has begun.
    with threads(1) if plan.codes else nullcontext():
        index.train(_sample(vectors, plan.lists))
    return index


def _lists(dimension: int, plan: IndexPlan) -> Any:
    # Spherical: the vectors are unit vectors, and so must the centroids be for an inner product to rank them.
    name = f"IVF{plan.lists},{f'PQ{plan.codes}' if plan.codes else 'SQ8'}"
    index = _faiss.index_factory(dimension, name, faiss.METRIC_INNER_PRODUCT)
    index.cp.spherical = True
    if plan.codes:
        index.do_polysemous_training = False  # orders the codes for a search that is not used here, in minutes
        index.pq.cp.niter = _ROUNDS
        index.pq.cp.max_points_per_centroid = _TRAINED_ROWS_PER_CENTROID
    return index


def _sample(vectors: Vectors, centroids: int) -> Vectors:
    wanted = max(centroids, 256) * _TRAINED_ROWS_PER_CENTROID
    if wanted >= len(vectors):
        return np.ascontiguousarray(vectors, dtype=np.float32)
    chosen = np.sort(np.random.default_rng(5).choice(len(vectors), wanted, replace=False))
    return np.ascontiguousarray(vectors[chosen], dtype=np.float32)


def _block(vectors: Vectors, start: int) -> Vectors:
    return np.ascontiguousarray(vectors[start : start + BLOCK], dtype=np.float32)


def _units(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
