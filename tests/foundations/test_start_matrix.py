"""Every unsafe combination ends the start with a named reason: bind, SECRET_KEY, ALLOW_ANONYMOUS, REQUIRE_KEY."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_exposure import MATRIX, SECRETS

from app.config import Settings, names
from app.errors import SettingsInvalid

ROOT = Path(__file__).parents[2]
BINDS = {"loopback": "127.0.0.1", "open": "0.0.0.0"}


def environment(how: tuple[str, str, bool, bool]) -> dict[str, str]:
    bind, secret, anonymous, required = how
    return {
        "HOST": BINDS[bind],
        "SECRET_KEY": SECRETS[secret] or "",
        "ALLOW_ANONYMOUS": str(anonymous).lower(),
        "REQUIRE_KEY": str(required).lower(),
    }


@pytest.mark.parametrize(("how", "variable"), MATRIX.items(), ids=str)
def test_the_settings_are_refused_by_name(
    how: tuple[str, str, bool, bool], variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names():
        monkeypatch.delenv(name, raising=False)
    for name, value in environment(how).items():
        monkeypatch.setenv(name, value)
    if variable is None:
        assert Settings.load(None).service.host == BINDS[how[0]]
        return
    with pytest.raises(SettingsInvalid) as refused:
        Settings.load(None)
    assert refused.value.variable == variable
    assert (SECRETS[how[1]] or "-") not in str(refused.value)


def test_the_command_ends_with_the_reason_and_not_with_zero(tmp_path: Path) -> None:
    how = ("open", "unset", True, False)
    ours = {name: value for name, value in os.environ.items() if name.upper() not in names()}
    command = [sys.executable, "-m", "app", "serve"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**ours, **environment(how), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "SECRET_KEY: is not set, and 0.0.0.0 can be reached" in done.stderr
