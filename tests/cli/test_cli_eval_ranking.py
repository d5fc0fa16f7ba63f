"""`eval retrieval` query by query and against changed settings, and `eval compare`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.adapters.per_query_files import read_per_query, write_per_query
from app.cli.measuring import changed
from app.config import Settings
from app.domain.evaluation import MEASURES, RankedQuery
from app.errors import SettingsInvalid
from tests.knowledge_folder import Place, built, copy_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("ranking")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


# By meaning the second is nearest to "cable", by words it shares none with "queen".
CORPUS = [{"id": "bread", "title": "Baking bread", "text": "Knead the dough."}, {"id": "chess", "text": "The queen."}]
QUERIES = [{"id": "q1", "text": "how to bake bread"}, {"id": "q2", "text": "the queen"}]


def benchmark(place: Place, *judgements: str) -> list[str]:
    rows = {"corpus": CORPUS, "queries": QUERIES}
    files = {name: "\n".join(map(json.dumps, lines)) for name, lines in rows.items()}
    files["qrels"] = "\n".join(["query-id\tcorpus-id\tscore", *judgements])
    for name, text in files.items():
        (place.root / name).write_text(f"{text}\n", "utf-8")
    return ["eval", "retrieval", *(part for name in files for part in (f"--{name}", str(place.root / name)))]


def printed(place: Place, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert place.run(*arguments, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def query(name: str, figure: float, group: str = "") -> RankedQuery:
    return RankedQuery(name, f"text {name}", ("a",), (("a", 0.5),), dict.fromkeys(MEASURES, figure), 1.0, group)


def test_every_query_of_a_benchmark_is_written(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    path = place.root / "rows.jsonl"
    command = [*benchmark(place, "q1\tbread\t1", "q2\tbread\t1"), "--per-query", str(path)]
    figures = printed(place, capsys, *command, "--worst", "1")
    first, second = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert (first["id"], first["text"], first["relevant"]) == ("q1", "how to bake bread", ["bread"])
    assert [item["id"] for item in first["ranked"]] == ["bread", "chess"]
    assert [first[name] for name in MEASURES] == [1, 1, 1, 1]
    assert second["mrr@10"] == 0.5
    assert second["milliseconds"] > 0
    assert figures["mrr@10"] == 0.75
    [hardest] = figures["worst"]
    assert (hardest["id"], hardest["relevant"], hardest["found"]) == ("q2", ["bread"], ["chess", "bread"])


def test_the_worst_are_shown(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    command = benchmark(place, "q1\tbread\t1", "q2\tnowhere\t1")
    assert place.run(*command, "--worst", "1", "--metric", "mrr@10") == 0
    shown = capsys.readouterr().out
    assert "the worst queries" in shown
    [line] = [line for line in shown.splitlines() if "q2" in line]
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "q2",
        "the queen",
        "0.000",
        "nowhere",
        "-",
        "chess",
    ]
    assert "q1" not in shown


def test_our_own_questions_are_written_once_each(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    path = place.root / "own.jsonl"
    printed(place, capsys, "eval", "retrieval", "--per-query", str(path))
    rows = read_per_query(path)
    assert sorted(row.group for row in rows) == ["English"] * 4 + ["German", "ambiguous"]
    assert len({row.id for row in rows}) == 6


def test_changed_settings_are_measured_in_the_same_run(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    path = place.root / "own.jsonl"
    releases = place.releases
    command = ("eval", "retrieval", "--against", "LEXICAL_WEIGHT=0", "--per-query", str(path))
    found = printed(place, capsys, *command, "--worst", "2")
    assert set(found) == {"present", "against", "comparison", "worst"}
    assert set(found["present"]) == set(found["against"]) == {"English", "other languages", "German", "ambiguous"}
    groups = found["comparison"]["groups"]
    assert list(groups) == ["all", "English", "ambiguous", "German"]
    assert groups["all"]["queries"] == 6
    again = printed(place, capsys, "eval", "compare", str(path), str(path.with_suffix(".against.jsonl")))
    assert again == found["comparison"]
    assert place.releases == releases


def test_what_is_compared_is_printed(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    command = benchmark(place, "q1\tbread\t1", "q2\tchess\t1")
    assert place.run(*command, "--against", "LEXICAL_WEIGHT=2") == 0
    shown = capsys.readouterr().out
    assert "retrieval, present settings" in shown
    assert "A: present settings\nB: LEXICAL_WEIGHT=2\n" in shown
    assert "no query changed" in shown


@pytest.mark.parametrize(
    ("assignments", "said"),
    [
        ("LEXICAL_WEIGT=0", "LEXICAL_WEIGT: is not a setting (--against)\nremedy: did you mean LEXICAL_WEIGHT?"),
        ("LEXICAL_WEIGHT=9", "LEXICAL_WEIGHT: Input should be less than or equal to 2"),
        ("LEXICAL_WEIGHT", "LEXICAL_WEIGHT: is no NAME=VALUE"),
        (",LEXICAL_WEIGHT=0", "--against: is no NAME=VALUE"),
        ("=0", "=0: is no NAME=VALUE"),
    ],
)
def test_settings_that_are_none_are_refused(
    place: Place, capsys: pytest.CaptureFixture[str], assignments: str, said: str
) -> None:
    assert place.run("eval", "retrieval", "--against", assignments) == 2
    assert said in capsys.readouterr().err


def test_the_environment_is_as_it_was_after_settings_were_changed(place: Place) -> None:
    place.set(LEXICAL_WEIGHT="0.5")
    other = changed("lexical_weight=0.1, ALLOWED_EXTENSIONS=txt,md", Path("aside"))
    assert other.retrieval.lexical_weight == 0.1
    assert other.files.allowed_extensions == ("txt", "md")
    assert Settings.load().retrieval.lexical_weight == 0.5
    with pytest.raises(SettingsInvalid):
        changed("LEXICAL_WEIGHT=9", Path("aside"))
    assert Settings.load().retrieval.lexical_weight == 0.5


def test_an_index_of_another_kind_is_kept_aside(place: Place) -> None:
    assert changed("LEXICAL_WEIGHT=0", Path("aside")).knowledge.index_dir == place.root / "index"
    assert changed("EMBEDDING_MODEL=other", Path("aside")).knowledge.index_dir == Path("aside")
    assert changed("EMBEDDING_MODEL=other,INDEX_DIR=mine", Path("aside")).knowledge.index_dir == Path("mine")


def test_two_files_are_compared(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = place.root / "a.jsonl", place.root / "b.jsonl"
    write_per_query(first, [query("q1", 0.5), query("q2", 0.5), *(query(f"x{at}", 0.0) for at in range(25))])
    write_per_query(second, [query("q2", 0.5), query("q1", 0.75), query("new", 0.5)])
    assert place.run("eval", "compare", str(first), str(second)) == 0
    shown = capsys.readouterr().out
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in shown.splitlines() if "│" in line]
    assert dict(row for row in cells if len(row) == 2) == {
        "queries": "2",
        "A": "0.5",
        "B": "0.625",
        "difference": "0.125",
        "95% from": "0",
        "95% to": "0.25",
        "p": "1",
        "wins": "1",
        "ties": "1",
        "losses": "0",
    }
    assert ["q1", "text q1", "0.500", "0.750", "0.250"] in cells
    assert "only in A: x0, x1, " in shown
    assert "x19 and 5 more" in shown
    assert "only in B: new" in shown


def test_what_is_compared_is_for_programs_too(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = place.root / "a.jsonl", place.root / "b.jsonl"
    write_per_query(first, [query("q1", 0.5), query("q2", 0.5), query("old", 0.5)])
    write_per_query(second, [query("q1", 0.75), query("q2", 0.5)])
    found = printed(place, capsys, "eval", "compare", str(first), str(second), "--metric", "hit@1")
    assert (found["metric"], found["only_first"], found["only_second"]) == ("hit@1", ["old"], [])
    assert found["changes"] == [{"id": "q1", "text": "text q1", "first": 0.5, "second": 0.75, "difference": 0.25}]
    assert found["groups"]["all"] == {
        "queries": 2, "first": 0.5, "second": 0.625, "difference": 0.125, "95% from": 0.0, "95% to": 0.25, "p": 1.0,
        "wins": 1, "ties": 1, "losses": 0,
    }  # fmt: skip


def test_a_damaged_file_is_named_by_line(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    path = place.root / "a.jsonl"
    write_per_query(path, [query("q1", 0.5), query("q2", 0.5)])
    path.write_text(path.read_text("utf-8")[:-20], "utf-8")
    assert place.run("eval", "compare", str(path), str(path)) == 2
    assert f"error [knowledge_invalid]: {path}:2: Invalid JSON" in capsys.readouterr().err


def test_no_query_to_measure_with_is_said(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run(*benchmark(place, "q1\tbread\t0")) == 2
    assert "there is no query to measure with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--plot", "figure.gif"), "figure.gif: a plot is a .png or .svg file"),
        (("--per-query", "corpus/rows.jsonl"), "corpus/rows.jsonl cannot be written"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_measuring(
    place: Place, capsys: pytest.CaptureFixture[str], option: tuple[str, str], said: str
) -> None:
    assert place.run(*benchmark(place, "q1\tnowhere\t0"), *option) == 2
    assert said in capsys.readouterr().err


def test_without_matplotlib_the_remedy_is_named(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert place.run("eval", "retrieval", "--plot", "figure.svg") == 2
    said = capsys.readouterr().err
    assert "matplotlib, which draws plots, is not installed" in said
    assert "remedy: pip install -r requirements-dev.txt" in said
