"""`eval calibrate` and `eval modes`: what is measured is kept, and used from then on."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.adapters.calibration_file import read_measured
from app.adapters.generators.echo_generator import EchoGenerator
from app.config import Settings
from app.container import parts
from app.domain.answers import AnswerMode
from app.ports import Generator
from app.services.retrieval.calibration import UNCALIBRATED
from tests.knowledge_folder import Place, built, copy_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("calibrate")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


def test_scores_and_thresholds_are_fitted_kept_and_used(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run("eval", "calibrate") == 0
    printed = capsys.readouterr().out
    path = place.data / "calibration.json"
    assert f"kept in {path}" in printed
    assert "chosen: cosine " in printed
    assert "refused" in printed
    measured = read_measured(path)
    assert measured is not None
    assert measured.weights != UNCALIBRATED.weights
    assert 0 < measured.threshold < 1
    assert measured.modes == {}
    assert place.run("eval", "answers", "--half", "all", "--json") == 0
    figures = json.loads(capsys.readouterr().out)["all"]
    assert figures["refusal_recall"] == 1
    assert figures["answered"] >= 8
    assert place.run("doctor") == 0
    assert "OK    calibration: scores are calibrated" in capsys.readouterr().out


def test_near_misses_are_learned_from_and_told_apart(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run("eval", "calibrate") == 0
    plain = read_measured(place.data / "calibration.json")
    assert "near misses" not in capsys.readouterr().out
    asked = (place.data / "eval" / "questions.jsonl").read_text("utf-8").splitlines()
    hard = [json.loads(line) | {"id": f"hard-{number}"} for number, line in enumerate(asked)]
    (place.data / "eval" / "near_misses.jsonl").write_text("\n".join(map(json.dumps, hard)), "utf-8")
    assert place.run("eval", "calibrate") == 0
    taught = read_measured(place.data / "calibration.json")
    assert "near misses" in capsys.readouterr().out
    assert plain is not None
    assert taught is not None
    assert taught.weights != plain.weights


def test_what_was_measured_of_modes_stays_when_scores_are_fitted(place: Place) -> None:
    path = place.data / "calibration.json"
    modes = {"a model": {"steps": "generate", "prose": "extract"}}
    path.write_text(json.dumps({"model_digest": "another", "modes": modes}), "utf-8")
    assert place.run("eval", "calibrate") == 0
    measured = read_measured(path)
    assert measured is not None
    assert measured.modes == modes
    assert measured.model_digest != "another"


@pytest.mark.parametrize("answerable", [True, False])
def test_questions_of_one_kind_alone_are_not_enough(
    place: Place, capsys: pytest.CaptureFixture[str], answerable: bool
) -> None:
    path = place.data / "eval" / "questions.jsonl"
    kept = [line for line in path.read_text("utf-8").splitlines() if json.loads(line)["answerable"] is answerable]
    path.write_text("\n".join(kept), "utf-8")
    assert place.run("eval", "calibrate") == 2
    assert "error [start_refused]: the tune half has no questions that can be answered" in capsys.readouterr().err
    assert not (place.data / "calibration.json").exists()


def speak(monkeypatch: pytest.MonkeyPatch, generator: Generator) -> list[AnswerMode]:
    """Put a generator in the model's place; return the modes in which one was asked for."""
    asked: list[AnswerMode] = []

    async def opened(_stack: AsyncExitStack, _settings: Settings, mode: AnswerMode, *_rest: object) -> Generator | None:
        asked.append(mode)
        return None if mode is AnswerMode.EXTRACT else generator

    monkeypatch.setattr(parts, "open_generator", opened)
    return asked


def modes_of(place: Place) -> Mapping[str, Mapping[str, str]]:
    measured = read_measured(place.data / "calibration.json")
    assert measured is not None
    return measured.modes


def test_a_model_that_tells_no_more_is_not_used(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = speak(monkeypatch, EchoGenerator())
    place.set(LLM_MODEL_ID="echo")
    assert place.run("eval", "modes", "--limit", "3") == 0
    assert modes == [AnswerMode.EXTRACT, AnswerMode.GENERATE]
    assert modes_of(place) == {"echo": {"steps": "extract", "prose": "extract"}}
    printed = capsys.readouterr().out
    assert "answers with echo" in printed
    assert "chosen for echo" in printed


def test_a_model_that_tells_more_is_used_from_then_on(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place.data / "eval" / "questions.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if "error 809" in line]
    path.write_text("\n".join(json.dumps(row | {"key_facts": [["client on Windows"]]}) for row in rows), "utf-8")
    told = "The VPN client on Windows reports error 809 and does not connect."
    speak(monkeypatch, EchoGenerator({"error 809": f"{told}\nRestart the router and connect the VPN again."}))
    place.set(LLM_MODEL_ID="echo")
    assert place.run("eval", "modes") == 0
    assert modes_of(place) == {"echo": {"steps": "generate", "prose": "extract"}}
    capsys.readouterr()
    assert place.run("ask", "--json", rows[0]["question"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["model"] == "echo"
    assert answer["response"].startswith(f"{told} [1]\n")
