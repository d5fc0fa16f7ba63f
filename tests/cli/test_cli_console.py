"""The command line itself: its commands, exit codes, and what it prints where."""

import argparse
import runpy
import sys

import pytest

from app import __version__
from app.cli import asking
from app.cli import main as cli
from app.cli.console import counting, print_figures, print_json, print_refusal, progress
from app.errors import GenerationFailed, KnowledgeInvalid, ModelMissing, Overloaded, ServiceError


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["ask"], ["eval"], ["eval", "answers", "--limit", "0"]])
def test_what_is_no_command_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert left.value.code == 2
    assert "usage: python -m app" in capsys.readouterr().err


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    printed = capsys.readouterr().out
    assert all(f"    {name} " in printed for name in ("serve", "index", "ask", "doctor", "eval"))


def test_python_m_app_runs_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["app", "--version"])
    with pytest.raises(SystemExit) as left:
        runpy.run_module("app", run_name="__main__")
    assert left.value.code == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    async def fail(_options: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(asking, "ask", fail)
    return cli.main(["ask", "x"])


ENDS: list[tuple[ServiceError, int, str]] = [
    (KnowledgeInvalid("a.md", 3, "is empty"), 2, "error [knowledge_invalid]: a.md:3: is empty"),
    (ModelMissing("no model"), 2, "error [model_missing]: no model"),
    (GenerationFailed("model", "out of memory"), 1, "error [generation_failed]: model: out of memory"),
    (Overloaded("model"), 1, "error [overloaded]: model is busy"),
]


@pytest.mark.parametrize(("error", "code", "printed"), ENDS)
def test_what_goes_wrong_is_named_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: ServiceError, code: int, printed: str
) -> None:
    assert failing(monkeypatch, error) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(printed)
    assert "Traceback" not in captured.err


def test_an_interruption_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


def test_a_fault_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        failing(monkeypatch, ZeroDivisionError())


def test_a_refusal_goes_to_stderr_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    print_refusal(KnowledgeInvalid("[a].md", 1, ":key: is empty"))
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        "error [knowledge_invalid]: [a].md:1: :key: is empty",
        "remedy: correct the file; the index in use stays as it was",
    ]
    assert captured.out == ""


def test_json_is_printed_as_it_is_on_one_page(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": "[red]x[/red] :key: \\ ä\t" + "long " * 100})
    assert capsys.readouterr().out == ('{\n  "text": "[red]x[/red] :key: \\\\ ä\\t' + "long " * 100 + '"\n}\n')


def test_figures_are_a_table_of_names_and_groups(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures("title [x]", {"[one]": {"share": 0.123456, "count": 12345}, "two": {"share": 1, "count": 0}})
    rows = [line.replace("│", " ").split() for line in capsys.readouterr().out.splitlines()]
    assert ["title", "[x]"] in rows
    assert ["share", "0.1235", "1"] in rows
    assert ["count", "12345", "0"] in rows


def test_no_figures_are_an_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures("nothing", {})
    assert "│" not in capsys.readouterr().out


def test_progress_shows_on_stderr_once_there_is_something_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("building"):
        pass
    assert "building" not in capsys.readouterr().err
    with progress("building") as report:
        report(3, 4)
    captured = capsys.readouterr()
    assert "building" in captured.err
    assert "3/4" in captured.err
    assert captured.out == ""


def test_steps_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("asking", 2) as tick:
        tick()
        tick()
    assert "2/2" in capsys.readouterr().err
