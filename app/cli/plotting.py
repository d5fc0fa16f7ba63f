"""Draws figures to PNG or SVG files. matplotlib is for development, and imported when a plot is wanted."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any

from app.domain.evaluation import Comparison, Interval
from app.errors import StartRefused
from app.modelfiles.aside import written_aside

SUFFIXES = (".png", ".svg")

# Okabe and Ito's palette: told apart with any colour vision.
COLOURS = ("#999999", "#E69F00", "#56B4E9", "#0072B2", "#009E73", "#CC79A7")
_BETTER, _WORSE = "#0072B2", "#D55E00"
_STYLE: Mapping[str, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "savefig.dpi": 144,
    # The same figures give the same bytes.
    "svg.hashsalt": "it-support",
}

Bars = Mapping[str, Mapping[str, Interval]]
"""Per group of bars, per series, what is drawn."""


def check(path: Path) -> None:
    """Raise StartRefused where nothing could be drawn there: told before what is measured for minutes."""
    if path.suffix.lower() not in SUFFIXES:
        raise StartRefused(f"{path}: a plot is a {' or '.join(SUFFIXES)} file", "name one")
    try:
        importlib.import_module("matplotlib")
    except ImportError as error:
        remedy = "pip install -r requirements-dev.txt"
        raise StartRefused("matplotlib, which draws plots, is not installed", remedy) from error


def draw_bars(path: Path, bars: Bars, title: str, axis: str) -> None:
    """Draw a group of bars for each group, a bar for each series, with its interval and its mean."""
    series = list(dict.fromkeys(name for group in bars.values() for name in group))
    width = 0.8 / len(series)
    with _figure(path, max(5.0, 0.9 + 0.24 * len(bars) * (len(series) + 1)), 3.6) as axes:
        for at, name in enumerate(series):
            places = [here for here, group in enumerate(bars.values()) if name in group]
            shown = [group[name] for group in bars.values() if name in group]
            offsets = [here + (at - (len(series) - 1) / 2) * width for here in places]
            _draw_series(axes, offsets, shown, width, {"color": COLOURS[at % len(COLOURS)], "label": name})
        axes.set_xticks(range(len(bars)), [name.replace(", ", ",\n") for name in bars])
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(-0.5, len(bars) - 0.5)
        axes.set_ylim(0, 1.08)
        axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        axes.set_ylabel(axis)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_title(title, pad=24)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(series), frameon=False, borderaxespad=0.2)


def draw_differences(path: Path, compared: Comparison, names: tuple[str, str]) -> None:
    """Draw every query's difference, the greatest gain first, with the mean and its interval."""
    values = sorted((change.difference for change in compared.changes), reverse=True)
    mean = compared.difference
    with _figure(path, 6.4, 3.8) as axes:
        _draw_steps(axes, [max(value, 0.0) for value in values], {"color": _BETTER, "label": "better"})
        _draw_steps(axes, [min(value, 0.0) for value in values], {"color": _WORSE, "label": "worse"})
        axes.axhspan(mean.low, mean.high, color="#000000", alpha=0.15, linewidth=0)
        axes.axhline(mean.mean, color="#000000", linewidth=1, linestyle="--", label="mean, 95 % interval")
        axes.axhline(0, color="#666666", linewidth=0.6)
        axes.set_xlim(0, len(values))
        axes.set_xlabel(f"queries, by difference ({len(values)})")
        axes.set_ylabel(f"difference in {compared.metric}")
        axes.set_title(f"A: {names[0]}\nB: {names[1]}", fontsize=9)
        axes.legend(loc="upper right", frameon=False)
        axes.text(0.01, 0.03, _in_words(compared), transform=axes.transAxes, va="bottom")


def _draw_steps(axes: Any, values: list[float], look: dict[str, str]) -> None:
    """Draw an area with a step for each run of the same value: a bar for each of thousands would make a large file."""
    runs = [(value, len(list(run))) for value, run in groupby(values)]
    axes.stairs([value for value, _ in runs], [0, *accumulate(length for _, length in runs)], fill=True, **look)


def _draw_series(axes: Any, offsets: list[float], shown: list[Interval], width: float, look: dict[str, str]) -> None:
    means = [item.mean for item in shown]
    errors = [[item.mean - item.low for item in shown], [item.high - item.mean for item in shown]]
    axes.bar(offsets, means, 0.92 * width, **look)
    axes.errorbar(offsets, means, errors, fmt="none", ecolor="#333333", elinewidth=0.8, capsize=1.5)
    for here, item in zip(offsets, shown, strict=True):
        axes.text(here, item.high + 0.012, f"{item.mean:.2f}", ha="center", va="bottom", fontsize=6)


def _in_words(compared: Comparison) -> str:
    mean = compared.difference
    return (
        f"B - A = {mean.mean:+.4f} [{mean.low:+.4f}, {mean.high:+.4f}], p = {compared.p_value:.2g}\n"
        f"{compared.wins} better, {compared.ties} the same, {compared.losses} worse"
    )


@contextmanager
def _figure(path: Path, width: float, height: float) -> Iterator[Any]:
    """Yield axes to draw on, and keep the figure when the block ends well; sizes in inches."""
    check(path)
    # By name: what the service itself imports has to be among its requirements.
    style, drawing = importlib.import_module("matplotlib"), importlib.import_module("matplotlib.figure")
    with style.rc_context(dict(_STYLE)):
        figure = drawing.Figure(figsize=(width, height), layout="constrained")
        yield figure.add_subplot()
        drawn = BytesIO()
        kind = path.suffix.lower().removeprefix(".")
        figure.savefig(drawn, format=kind, metadata={"Date": None} if kind == "svg" else None)
    try:
        with written_aside(path) as draft:
            draft.write_bytes(drawn.getvalue())
    except OSError as error:
        raise StartRefused(f"{path} cannot be written: {error.strerror}", "name another file") from error
