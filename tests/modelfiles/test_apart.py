"""Work in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.modelfiles.apart import ApartFailed, child_environment, module_command, run_apart


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "helper_module.py"


def test_a_module_runs_with_what_we_can_import_and_no_hub(module: Path, tmp_path: Path) -> None:
    module.write_text(
        "import os, pathlib, sys, app.errors\n"
        "pathlib.Path(sys.argv[1]).write_text(os.environ['HF_HUB_OFFLINE'] + sys.argv[2])\n"
    )
    run_apart("helper_module", str(tmp_path / "out"), "two words", seconds=20)
    assert (tmp_path / "out").read_text() == "1two words"


def test_a_failure_carries_the_last_line(module: Path) -> None:
    module.write_text("raise SystemExit('first line\\nthe disk is full')")
    with pytest.raises(ApartFailed, match=r"^the disk is full$"):
        run_apart("helper_module", seconds=20)


def test_a_silent_failure_carries_the_status(module: Path) -> None:
    module.write_text("import os; os._exit(7)")
    with pytest.raises(ApartFailed, match="status 7"):
        run_apart("helper_module", seconds=20)


def test_it_does_not_run_for_ever(module: Path) -> None:
    module.write_text("import time; time.sleep(60)")
    with pytest.raises(ApartFailed, match="timed out"):
        run_apart("helper_module", seconds=0.5)


def test_the_current_folder_stays_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", "elsewhere"])
    assert child_environment()["PYTHONPATH"] == os.pathsep.join([str(Path.cwd()), "elsewhere"])
    assert module_command("some.module", "x") == [sys.executable, "-m", "some.module", "x"]


_WATCH = """
import sys, time
seen = []
sys.addaudithook(lambda name, _: seen.append(name) if name in {names} else None)
from app.modelfiles.apart import block_telemetry
block_telemetry()
import openvino, openvino_genai
import tokenizers
time.sleep(0.5)
assert "openvino_telemetry.main" not in sys.modules
assert not seen, seen
print("quiet", hasattr(openvino, "convert_model"))
"""


def test_openvino_sends_nothing_and_starts_nothing(tmp_path: Path) -> None:
    names = {"socket.connect", "socket.getaddrinfo", "socket.sendto", "os.fork", "subprocess.Popen", "os.posix_spawn"}
    # A home folder that can be written and no sign of CI: what makes its telemetry speak.
    quiet = {"CI", "TF_BUILD", "JENKINS_URL"}
    environment = {name: value for name, value in child_environment().items() if name not in quiet}
    done = subprocess.run(
        [sys.executable, "-c", _WATCH.format(names=names)],
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "quiet True\n", done.stderr
    assert list(tmp_path.iterdir()) == []
