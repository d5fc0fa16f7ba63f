"""`ask`: one question on the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.knowledge_folder import Place, built, copy_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("ask")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


def test_the_answer_and_its_sources_are_printed(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run("ask", "my vpn reports error 809") == 0
    answer, sources = capsys.readouterr().out.split("\n\n")
    assert answer.splitlines() == [
        "1. Restart the router and connect the VPN again. [1]",
        "2. [admin] Allow UDP ports 500 and 4500 in the firewall. [1]",
        "Connect the VPN through a phone's hotspot. [2]",
    ]
    title = "VPN error 809: the server does not respond (vpn-error-809)"
    assert sources.splitlines() == [f"[1] {title}", f"[2] {title}"]


def test_json_is_the_whole_answer_for_programs(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run("ask", "--json", "my vpn reports error 809") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["outcome"] == "answered"
    assert found["model"] == "extractive"
    assert found["search_results"][0]["id"] == "vpn-error-809"
    assert [item["number"] for item in found["citations"]] == [1, 2]
    assert found["grounding"] == {
        "method": "extractive",
        "sentences": 3,
        "grounded": 3,
        "dropped": 0,
        "fallback": False,
    }
    assert found["usage"]["completion_tokens"] > 20
    assert 0.5 < found["answerability"] <= 1
    assert found["processing_time"] > 0


def test_a_question_without_an_answer_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run("ask", "--json", "wie lange koche ich ein Ei") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["outcome"], found["language"]) == ("no_context", "de")
    assert "Ticket" in found["response"]
    assert place.run("ask", "how long do I boil an egg") == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_the_length_can_be_chosen(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.article.write_text(place.article.read_text("utf-8").replace("again.", f"again{' and wait' * 40}."), "utf-8")
    assert place.run("ask", "--json", "--max-tokens", "50", "my vpn reports error 809") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["outcome"] == "partial"
    assert found["usage"]["completion_tokens"] <= 50


def test_text_is_printed_as_it_is(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    odd = "Type [bold]x[/bold] :key: and \\[red] there."
    place.article.write_text(place.article.read_text("utf-8").replace("Restart the router", f"{odd} Restart"), "utf-8")
    assert place.run("ask", "my vpn reports error 809") == 0
    assert f"1. {odd} Restart" in capsys.readouterr().out


@pytest.mark.parametrize("question", ["", " \t", "x" * 2001, "a\0b", "\u200b"])
def test_a_question_that_cannot_be_used_is_refused_by_name(
    place: Place, capsys: pytest.CaptureFixture[str], question: str
) -> None:
    assert place.run("ask", question) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error [invalid_input]: question: ")


@pytest.mark.parametrize("length", ["49", "501", "-1", "many", "1e2", "٣٠٠٠"])
def test_a_length_out_of_bounds_is_refused(place: Place, capsys: pytest.CaptureFixture[str], length: str) -> None:
    with pytest.raises(SystemExit) as left:
        place.run("ask", "--max-tokens", length, "x")
    assert left.value.code == 2
    assert "must be a whole number between 50 and 500" in capsys.readouterr().err


def test_the_index_is_built_where_there_is_none(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.set(INDEX_DIR=place.root / "another")
    assert place.run("ask", "my vpn reports error 809") == 0
    assert "Restart the router" in capsys.readouterr().out
    assert (place.root / "another" / "CURRENT").is_file()


def test_asking_keeps_no_conversation(place: Place) -> None:
    assert place.run("ask", "my vpn reports error 809") == 0
    assert not (place.root / "state").exists()


def test_a_threshold_of_one_s_own_counts(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.set(ANSWER_THRESHOLD="1.0")
    assert place.run("ask", "--json", "my vpn reports error 809") == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "no_context"
