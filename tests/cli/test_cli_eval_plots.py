"""Plots of rankings: what they say, read from the SVG, and that a PNG is one."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.per_query_files import write_per_query
from app.cli import plotting
from app.domain.evaluation import MEASURES, Interval, RankedQuery
from app.errors import StartRefused
from tests.knowledge_folder import Place, built, copy_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("plots")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


def texts(path: Path) -> list[str]:
    """Return what an SVG file says: matplotlib leaves a comment where it draws letters as shapes."""
    svg = path.read_text("utf-8")
    assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 - written by the code under test
    return [text.strip() for text in re.findall(r"<!--(.*?)-->", svg, re.DOTALL)]


def compared(place: Place, count: int) -> tuple[str, str]:
    for name, figure in (("a", 0.5), ("b", 0.25)):
        rows = [
            RankedQuery(f"q{at}", "t", (), (), dict.fromkeys(MEASURES, figure * (at % 3) / 2), 1.0)
            for at in range(count)
        ]
        write_per_query(place.root / f"{name}.jsonl", rows)
    return "a.jsonl", "b.jsonl"


def test_differences_are_drawn_small_and_the_same_each_time(place: Place) -> None:
    files = compared(place, 1200)
    for name in ("one.svg", "two.svg"):
        assert place.run("eval", "compare", *files, "--plot", name) == 0
    one = place.root / "one.svg"
    said = texts(one)
    assert {"difference in ndcg@10", "queries, by difference (1200)", "better", "worse"} <= set(said)
    assert any(text.startswith("0 better, 400 the same, 800 worse") for text in said)
    assert one.stat().st_size < 150_000
    assert one.read_bytes() == (place.root / "two.svg").read_bytes()


def test_one_configuration_is_drawn_by_group(place: Place) -> None:
    assert place.run("eval", "retrieval", "--plot", "own.svg") == 0
    said = texts(place.root / "own.svg")
    assert {"English", "German", "ambiguous", *MEASURES, "mean over queries"} <= set(said)


def test_two_configurations_are_drawn_as_differences(place: Place) -> None:
    command = ("eval", "retrieval", "--against", "LEXICAL_WEIGHT=0", "--plot", "both.png")
    assert place.run(*command) == 0
    assert (place.root / "both.png").read_bytes().startswith(b"\x89PNG")


def test_bars_of_series_that_not_every_group_has(tmp_path: Path) -> None:
    bars = {"one, two": {"ours": Interval(0.5, 0.4, 0.6), "theirs": Interval(0.3, 0.2, 0.4)}, "other": {}}
    bars["other"]["ours"] = Interval(0.8, 0.8, 0.8)
    plotting.draw_bars(tmp_path / "bars.svg", bars, "A title", "nDCG")
    said = texts(tmp_path / "bars.svg")
    assert {"A title", "nDCG", "ours", "theirs", "0.50", "0.30", "0.80"} <= set(said)


def test_a_plot_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    bars = {"one": {"ours": Interval(0.5, 0.4, 0.6)}}
    with pytest.raises(StartRefused, match="cannot be written"):
        plotting.draw_bars(tmp_path / "file" / "bars.svg", bars, "A title", "nDCG")
