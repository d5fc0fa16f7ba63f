"""The Dockerfile's own steps, from an empty folder, in a Python that has nothing installed."""

import os
import signal
import socket
import subprocess
import time
import venv
from pathlib import Path

import pytest
from repository import Step, copy, dockerfile, health_command, steps

from app.config import names

_START_SECONDS = 60.0


@pytest.mark.slow
def test_the_image_s_steps_make_a_service_that_starts_and_is_healthy(tmp_path: Path) -> None:
    workdir = tmp_path / "srv"
    workdir.mkdir()
    venv.create(tmp_path / "python", with_pip=True)
    environment = {name: value for name, value in os.environ.items() if name not in names()}
    environment |= {"PATH": f"{tmp_path / 'python' / 'bin'}{os.pathsep}{os.environ['PATH']}", "PORT": str(_free_port())}
    for step in dockerfile():
        if step.name == "COPY":
            copy(step, workdir)
        elif step.name == "RUN":
            _build(step, workdir, environment)
    assert (workdir / "data" / "index" / "CURRENT").is_file()
    service = subprocess.Popen(steps("CMD")[0].words(), cwd=workdir, env=environment)
    try:
        _wait_until_healthy(service, workdir, environment)
    finally:
        service.send_signal(signal.SIGTERM)
    assert service.wait(20) in {0, -signal.SIGTERM}


def _build(step: Step, workdir: Path, environment: dict[str, str]) -> None:
    if step.text.startswith("useradd"):  # this machine's users stay as they are: the folders alone are made
        for name in ("data/index", "data/state", ".cache"):
            assert name in step.text
            (workdir / name).mkdir(parents=True)
        return
    # Docker starts without a cache; here it spares the registry a download.
    command = step.text.replace("--no-cache-dir ", "")
    done = subprocess.run(["sh", "-c", command], cwd=workdir, env=environment, timeout=1200, check=False)
    assert done.returncode == 0, step.text


def _wait_until_healthy(service: subprocess.Popen[bytes], workdir: Path, environment: dict[str, str]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        asked = subprocess.run(health_command(), cwd=workdir, env=environment, capture_output=True, check=False)
        if asked.returncode == 0:
            return
        assert service.poll() is None, "the service has ended"
        assert time.monotonic() < deadline, asked.stderr
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
