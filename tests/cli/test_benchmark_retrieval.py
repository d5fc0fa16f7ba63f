"""`python -m benchmarks.retrieval` over tiny public sets: every set is measured, every part ranks as it should."""

import importlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.knowledge_folder import Place, built, copy_of

# By name: a library that is installed has a package `benchmarks` too, and would pass for what the tests need.
retrieval = importlib.import_module("benchmarks.retrieval")

CORPUS = (
    {"id": "bread", "title": "Baking bread", "text": "Knead the dough of flour and water, let it rest, bake it."},
    {"id": "chess", "title": "Playing chess", "text": "The queen moves along ranks, files and diagonals."},
    {"id": "boat", "title": "Sailing", "text": "Hoist the sail and hold the rudder."},
)
QUERIES = {"q1": ("how does the queen move", "chess"), "q2": ("making a loaf", "bread")}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("parts")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


@pytest.fixture
def public(tmp_path: Path) -> Path:
    data = tmp_path / "public"
    for each in (*retrieval.FIVE, retrieval.GNOME_HELP):
        write(data / each.corpus, *map(json.dumps, CORPUS))
        for queries, qrels in each.queries.values():
            write(data / queries, *(json.dumps({"id": name, "text": text}) for name, (text, _) in QUERIES.items()))
            rows = (f"{name}\t{answer}\t1" for name, (_, answer) in QUERIES.items())
            write(data / qrels, "query-id\tcorpus-id\tscore", *rows)
    return data


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert retrieval.main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_all_sets_are_measured(place: Place, public: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = printed(capsys, "--data", str(public), "--plot", "plot.svg")
    sets = [name for each in (*retrieval.FIVE, retrieval.GNOME_HELP) for name in each.queries]
    assert list(table) == [*retrieval.OWN, *sets, "mean of the five public sets"]
    assert table["own questions, English"]["queries"] == 4
    # "making a loaf" shares no word with any document: by words nothing is found, by meaning the right one is.
    stackfaq = table["stackfaq"]
    assert stackfaq["words alone"] == 0.5
    assert stackfaq["meaning alone"] == stackfaq["simple fusion"] == stackfaq["this service"] == 1
    assert (stackfaq["difference"], stackfaq["p"]) == (0, 1)
    mean = table["mean of the five public sets"]
    five = [table[name]["words alone"] for each in retrieval.FIVE for name in each.queries]
    assert math.isclose(mean["words alone"], sum(five) / 5)
    assert "<svg" in (place.root / "plot.svg").read_text("utf-8")


def test_our_own_questions_alone_are_a_table(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert retrieval.main([]) == 0
    shown = capsys.readouterr().out
    assert "own questions, other languages" in shown
    assert "mean of the five" not in shown


def test_a_set_that_is_not_there_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert retrieval.main(["--data", str(place.root / "nowhere")]) == 2
    assert "nowhere/stackfaq/corpus.jsonl:1: does not exist" in capsys.readouterr().err
