"""`eval retrieval` and `eval answers`: figures computed by hand come out."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.knowledge_folder import Place, built, copy_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("eval")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


CORPUS = (
    {"id": "bread", "title": "Baking bread", "text": "Knead the dough of flour and water, let it rest, bake it."},
    {"id": "chess", "title": "Playing chess", "text": "The queen moves along ranks, files and diagonals."},
)
QUERIES = (
    {"id": "q1", "text": "how to bake bread from flour"},
    {"id": "q2", "text": "how does the queen move in chess"},
    {"id": "q3", "text": "baking dough"},
)


def benchmark(place: Place, *judgements: str) -> list[str]:
    files = {
        "corpus": "\n".join(map(json.dumps, CORPUS)),
        "queries": "\n".join(map(json.dumps, QUERIES)),
        "qrels": "\n".join(["query-id\tcorpus-id\tscore", *judgements]),
    }
    for name, text in files.items():
        (place.root / name).write_text(f"{text}\n", "utf-8")
    return [part for name in files for part in (f"--{name}", str(place.root / name))]


def figures(place: Place, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert place.run("eval", *arguments, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_ranking_figures_are_those_computed_by_hand(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    # q1: first of two. q2: the document marked is found second. q3: both are relevant.
    given = benchmark(place, "q1\tbread\t1", "q2\tbread\t1", "q2\tchess\t0", "q3\tbread\t2", "q3\tchess\t1")
    found = figures(place, capsys, "retrieval", *given)
    assert found.pop("seconds") > 0
    assert found == pytest.approx(
        {
            "queries": 3,
            "documents": 2,
            "ndcg@10": (1 + 1 / math.log2(3) + 1) / 3,
            "mrr@10": (1 + 1 / 2 + 1) / 3,
            "recall@10": 1,
            "hit@1": 2 / 3,
        }
    )


def test_a_benchmark_leaves_the_installation_alone(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    before = place.releases
    assert place.run("eval", "retrieval", *benchmark(place, "q1\tbread\t1")) == 0
    assert "ndcg@10" in capsys.readouterr().out
    assert place.releases == before


def test_the_fields_that_are_indexed_can_be_chosen(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    given = benchmark(place, "q1\tbread\t1")
    assert figures(place, capsys, "retrieval", *given, "--fields", "title")["hit@1"] == 1


def test_the_three_files_go_together(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run("eval", "retrieval", *benchmark(place)[:2]) == 2
    assert "--corpus, --queries and --qrels go together" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "problem"), [("q1 bread 1", "expected query-id"), ("q1\tbread\tgood", "expected query-id")]
)
def test_a_broken_benchmark_is_refused_by_line(
    place: Place, capsys: pytest.CaptureFixture[str], line: str, problem: str
) -> None:
    assert place.run("eval", "retrieval", *benchmark(place, line)) == 2
    assert f"{place.root / 'qrels'}:2: {problem}" in capsys.readouterr().err


def test_our_own_questions_are_measured_by_language(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    found = figures(place, capsys, "retrieval")
    assert {name: row["queries"] for name, row in found.items()} == {
        "English": 4,
        "other languages": 1,
        "German": 1,
        "ambiguous": 1,
    }
    assert all(row["documents"] == 9 for row in found.values())
    assert (found["English"]["hit@1"], found["English"]["recall@4"]) == (1, 1)
    assert place.run("eval", "retrieval") == 0
    assert "hit@1" in capsys.readouterr().out


def test_answers_are_judged(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    found = figures(place, capsys, "answers", "--half", "all")
    assert set(found) == {"all", "English", "other languages", "ambiguous", "off topic"}
    assert found["off topic"]["refusal_recall"] == 1
    english = found["English"]
    assert english["questions"] == 12
    assert (english["answered"], english["refused"]) == (8, 4)
    assert (found["ambiguous"]["questions"], found["ambiguous"]["answered"]) == (2, 2)
    assert english["refusal_recall"] == english["grounded_sentences"] == english["hard_fact_precision"] == 1
    assert (english["false_refusals"], english["key_fact_recall"], english["partial"]) == (0, 1, 0)
    assert 0 < english["p50_ms"] <= english["p95_ms"]
    assert found["all"]["questions"] == 16


def test_one_half_is_asked_unless_all_are_wanted(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert figures(place, capsys, "answers")["all"]["questions"] == 8
    assert figures(place, capsys, "answers", "--half", "tune", "--limit", "3")["all"]["questions"] == 3


def test_questions_of_another_file_in_a_mode_of_choice(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"id": "x", "question": "printer offline", "language": "en", "kind": "plain", "answerable": False}
    path = place.root / "mine.jsonl"
    path.write_text(json.dumps({**row, "documents": []}), "utf-8")
    arguments = ("answers", "--questions", str(path), "--half", "all", "--mode", "extract")
    assert figures(place, capsys, *arguments)["all"]["refusal_recall"] == 0
    assert place.run("eval", *arguments) == 0
    assert "refusal_recall" in capsys.readouterr().out


def test_questions_that_are_not_there_are_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run("eval", "answers", "--questions", "nowhere.jsonl") == 2
    assert "error [knowledge_invalid]: nowhere.jsonl:1: does not exist" in capsys.readouterr().err


def test_a_broken_question_is_named_by_line(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    path = place.data / "eval" / "questions.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write("{}\n")
    assert place.run("eval", "retrieval") == 2
    assert f"{path}:17: " in capsys.readouterr().err
