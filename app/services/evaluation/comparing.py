"""Is one configuration better than another, or is it chance? Paired over queries.

The test is Fisher's randomisation test, which Smucker, Allan and Carterette ("A comparison of statistical significance
tests for information retrieval evaluation", CIKM 2007) recommend for rankings: were both configurations the same, every
query's difference could as well have the other sign. Intervals are percentile bootstraps over queries (Efron 1979).
Everything random is seeded: the same figures give the same result.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.evaluation import Change, Comparison, Interval, RankedQuery
from app.errors import StartRefused

SAMPLES = 100_000
"""Random sign patterns looked at where there are too many to look at all, as in the source."""

RESAMPLES = 10_000

_SEED = 20071106
_EXACT = 14
_CHUNK = 2_000_000
_TOLERANCE = 1e-9

Rows = Sequence[RankedQuery]


def compare(first: Rows, second: Rows, metric: str) -> Comparison:
    """Compare two configurations on the queries that both have.

    Raises StartRefused where they share none, or judge one by other documents.
    """
    before, after = ({row.id: row for row in rows} for rows in (first, second))
    shared = [name for name in before if name in after]
    if not shared:
        raise StartRefused("the two have no query in common", "measure both on the same queries")
    changes = [_change(before[name], after[name], metric) for name in shared]
    differences = [change.difference for change in changes]
    return Comparison(
        metric=metric,
        first=float(np.mean([change.before for change in changes])),
        second=float(np.mean([change.after for change in changes])),
        difference=bootstrap(differences),
        p_value=randomisation_test(differences),
        changes=tuple(sorted(changes, key=lambda change: (-abs(change.difference), change.id))),
        only_first=tuple(name for name in before if name not in after),
        only_second=tuple(name for name in after if name not in before),
    )


def compare_groups(first: Rows, second: Rows, metric: str) -> dict[str, Comparison]:
    """Compare over all queries, and over each group that both have where there are several; "all" comes first."""
    compared = {"all": compare(first, second, metric)}
    others = {row.group for row in second}
    groups = [group for group in dict.fromkeys(row.group for row in first) if group in others]
    if len(groups) > 1:
        for group in groups:
            before, after = ([row for row in rows if row.group == group] for rows in (first, second))
            if {row.id for row in before} & {row.id for row in after}:
                compared[group or "no group"] = compare(before, after, metric)
    return compared


def randomisation_test(differences: Sequence[float]) -> float:
    """Return the two-sided p-value of paired differences: how often signs by chance give a sum as far from 0.

    Exact up to 14 differences other than 0. Beyond, `SAMPLES` random patterns, the observed one counted as one of them
    (Phipson and Smyth 2010), so that no p-value is 0. No differences: 1.
    """
    values = np.asarray([value for value in differences if abs(value) > _TOLERANCE])
    if not len(values):
        return 1.0
    observed = abs(float(values.sum())) - _TOLERANCE
    if len(values) <= _EXACT:
        patterns = np.arange(2 ** len(values))[:, None] >> np.arange(len(values)) & 1
        return float(np.mean(_sums(patterns, values) >= observed))
    rng = np.random.default_rng(_SEED)
    found = 0
    for count in _chunks(SAMPLES, len(values)):
        patterns = rng.integers(0, 2, (count, len(values)), dtype=np.int8)
        found += int(np.count_nonzero(_sums(patterns, values) >= observed))
    return (found + 1) / (SAMPLES + 1)


def bootstrap(values: Sequence[float]) -> Interval:
    """Return the mean and its 95 % percentile interval over resampled values; zeros of nothing."""
    held = np.asarray(values, dtype=float)
    if not len(held):
        return Interval(0.0, 0.0, 0.0)
    rng = np.random.default_rng(_SEED)

    def resampled(count: int) -> NDArray[np.float64]:
        means: NDArray[np.float64] = held[rng.integers(0, len(held), (count, len(held)))].mean(axis=1)
        return means

    means = _gathered(resampled, len(held))
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(held.mean()), float(low), float(high))


def _change(before: RankedQuery, after: RankedQuery, metric: str) -> Change:
    if set(before.relevant) != set(after.relevant):
        raise StartRefused(
            f"query {before.id!r} is judged by other documents in each", "measure both on the same queries and qrels"
        )
    return Change(before.id, before.text, before.figures[metric], after.figures[metric])


def _sums(patterns: NDArray[np.int64] | NDArray[np.int8], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the sum is from 0 under each pattern of signs; a row of 0 and 1 per pattern."""
    sums: NDArray[np.float64] = np.abs(2.0 * (patterns @ values) - values.sum())
    return sums


def _gathered(resampled: Callable[[int], NDArray[np.float64]], width: int) -> NDArray[np.float64]:
    return np.concatenate([resampled(count) for count in _chunks(RESAMPLES, width)])


def _chunks(total: int, width: int) -> Iterator[int]:
    """Split a number of rows into parts that fit into memory."""
    part = max(1, _CHUNK // width)
    for at in range(0, total, part):
        yield min(part, total - at)
