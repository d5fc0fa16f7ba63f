"""`.env.example` and the settings say the same."""

from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from app.config import Settings, names

EXAMPLE = Path(__file__).parents[2] / ".env.example"
LINES = EXAMPLE.read_text(encoding="utf-8").splitlines()


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names():
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def as_written(default: Any) -> str:
    """Return a default in the form an env file has for it."""
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default)


def test_every_setting_is_named_once_and_no_other() -> None:
    named = [line.partition("=")[0] for line in LINES if line and not line.startswith("#")]
    assert sorted(named) == sorted(names())


@pytest.mark.parametrize(("name", "default"), names().items())
def test_the_example_shows_the_default(name: str, default: object) -> None:
    assert dotenv_values(EXAMPLE)[name] == as_written(default)


@pytest.mark.parametrize("name", names())
def test_every_setting_has_one_line_of_comment_above_it(name: str) -> None:
    at = next(at for at, line in enumerate(LINES) if line.startswith(f"{name}="))
    assert LINES[at - 1].startswith("# ")
    assert not LINES[at - 2].startswith("# ") or LINES[at - 2].endswith("---")


def test_the_example_as_it_stands_is_what_runs_without_any() -> None:
    assert Settings.load(EXAMPLE) == Settings.load(None)
