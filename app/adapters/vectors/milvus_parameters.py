"""How finely a collection is divided, how much of it a search reads, and which rows it may return."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SEGMENT = 500_000
_FEWEST = 2_000
_FARTHER = 3
"""What is nearest among the allowed may be far, and what is far lies in many lists: so many times more are compared."""
_DEPTH = 16
"""Rows compared for each one asked for, at least."""


def lists(count: int) -> int:
    """Return into how many lists each segment is divided; a segment of Milvus holds some hundred thousand rows."""
    return 2 ** max(0, round(math.log2(4 * math.sqrt(min(count, _SEGMENT) + 1)))) if count >= _FEWEST else 1


def index_type(count: int) -> dict[str, Any]:
    """Return Milvus' index type and its parameters; Milvus Lite makes 128 lists whatever it is asked for."""
    divided = lists(count)
    return {"index_type": "IVF_FLAT", "params": {"nlist": divided}} if divided > 1 else {"index_type": "FLAT"}


def probes(count: int, k: int, allowed: NDArray[np.int64] | None) -> int:
    """Return how many lists are read: more where many are asked for, or few of the rows may be found."""
    total = lists(count)
    usual = max(16, total // 16)
    share = 1.0 if allowed is None else len(allowed) / (_FARTHER * count)
    wanted = max(usual, total * _DEPTH * k / count) / share
    return min(total, math.ceil(wanted))


def expression(field: str, allowed: NDArray[np.int64] | None, count: int) -> str:
    """Return Milvus' filter for these rows: the ones to take or, where that is shorter, the ones to leave out."""
    if allowed is None or len(allowed) == count:
        return ""
    if 2 * len(allowed) <= count:
        return f"{field} in {allowed.tolist()}"
    return f"{field} not in {np.setdiff1d(np.arange(count), allowed).tolist()}"
