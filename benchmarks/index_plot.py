"""Draws what an index costs against its size."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.index_runs import Row

_PANELS = (("p95_ms", "search p95, ms"), ("build_seconds", "build, s"), ("resident_mib", "memory, MiB"))


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write an SVG with one panel per cost, both axes logarithmic."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "index"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, panels = plt.subplots(1, len(_PANELS), figsize=(12, 4), layout="constrained")
    for axes, (field, label) in zip(panels, _PANELS, strict=True):
        for kind in dict.fromkeys(row.kind for row in rows):
            mine = [row for row in rows if row.kind == kind and row.build_seconds is not None]
            axes.loglog([row.size for row in mine], [getattr(row, field) for row in mine], marker="o", label=kind)
        axes.set_xlabel("vectors")
        axes.set_title(label)
        axes.grid(visible=True, alpha=0.3)
    panels[0].legend()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
