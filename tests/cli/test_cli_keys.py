"""`keys`: made, listed, revoked; the key is told once, and never kept."""

import json
from pathlib import Path

import pytest

from app.cli.main import main
from app.config import names


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_key_is_told_once_on_stdout_alone(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "add", "ci", "--owner", "desk", "--expires", "30"]) == 0
    told = capsys.readouterr()
    token = told.out.strip()
    assert token.startswith("its_")
    assert token not in told.err
    assert "of desk, until" in told.err
    assert main(["keys", "list"]) == 0
    assert token not in capsys.readouterr().out
    for file in state.iterdir():
        assert token.encode() not in file.read_bytes()
        assert token[4:47].encode() not in file.read_bytes()


def test_keys_are_listed_with_their_state(capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "add", "ci"])
    main(["keys", "add", "bot", "--expires", "1"])
    main(["keys", "revoke", "ci"])
    capsys.readouterr()
    assert main(["keys", "list", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["keys"]
    assert (first["name"], first["owner"], first["state"], first["used_at"]) == ("ci", "ci", "revoked", None)
    assert second["state"].startswith("until ")
    assert {"digest", "token"} & set(first) == set()
    main(["keys", "list"])
    table = capsys.readouterr().out
    assert "revoked" in table
    assert "never" in table


def test_a_key_is_revoked_by_its_id_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "add", "ci"])
    main(["keys", "list", "--json"])
    held = capsys.readouterr().out
    name = json.loads(held[held.index("{") :])["keys"][0]["id"]
    assert main(["keys", "revoke", name]) == 0
    assert f"revoked: {name} (ci)" in capsys.readouterr().out
    assert main(["keys", "add", "ci"]) == 0


WRONG = {
    "a name twice": (["add", "ci"], "conflict"),
    "no name": (["add", '{"$ne": ""}'], "invalid_input"),
    "no owner": (["add", "x", "--owner", "session:1"], "invalid_input"),
    "no lifetime": (["add", "x", "--expires", "0"], "invalid_input"),
    "nobody": (["revoke", "nobody"], "not_found"),
}


@pytest.mark.parametrize(("arguments", "code"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_named(arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "add", "ci"])
    assert main(["keys", *arguments]) == 1
    assert f"[{code}]" in capsys.readouterr().err


def test_where_keys_cannot_be_kept_the_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "file"))
    assert main(["keys", "list"]) == 2
    assert "STATE_DIR" in capsys.readouterr().err
