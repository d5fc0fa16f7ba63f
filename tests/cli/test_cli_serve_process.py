"""`serve`: a real process that says how to try it, answers, and ends when it is told to."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.cli import serving
from app.config import ServiceSettings
from app.errors import SettingsInvalid
from tests.knowledge_folder import Place, built, copy_of, environment

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 40.0
STOP_SECONDS = 5.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Serving:
    """A service in a process of its own, and where its output goes."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int

    @property
    def output(self) -> str:
        return self.log.read_text("utf-8")

    @property
    def curl(self) -> list[str]:
        """The line it prints to be tried by, as a shell would read it."""
        return shlex.split(next(line for line in self.output.splitlines() if line.strip().startswith("curl ")))

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while "curl " not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def stop(self, number: int) -> float:
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(STOP_SECONDS)
        return time.monotonic() - began


@contextmanager
def serving_in(root: Path) -> Iterator[Serving]:
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"],
            cwd=root,
            env={**kept, **environment(root), "PYTHONPATH": str(REPOSITORY), "PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Serving(process, root / "log", port)
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("serve")) as root:
        yield root


@pytest.fixture(scope="module")
def running(original: Path) -> Iterator[Serving]:
    with serving_in(original) as service:
        service.wait_ready()
        yield service


def test_it_says_where_it_is_and_how_to_try_it(running: Serving) -> None:
    assert f"is ready: http://127.0.0.1:{running.port}/" in running.output
    program, quiet, url, *_ = running.curl
    assert (program, quiet) == ("curl", "-s")
    assert url == f"http://127.0.0.1:{running.port}/api/v1/chat/"


def test_the_line_it_prints_works(running: Serving) -> None:
    _, _, url, _, header, _, body = running.curl
    name, value = header.split(": ")
    reply = httpx.post(url, content=body, headers={name: value})
    assert reply.status_code == 200
    answer = reply.json()
    assert answer["outcome"] == "answered"
    assert answer["search_results"][0]["metadata"]["document_id"] == "password-reset"
    assert answer["persisted"]


def test_it_is_ready_once_it_says_so(running: Serving) -> None:
    reply = httpx.get(f"http://127.0.0.1:{running.port}/readyz")
    assert reply.status_code == 200
    assert {check["name"]: check["status"] for check in reply.json()["checks"]} == {
        "index": "ok",
        "embedding": "ok",
        "generation": "ok",
        "conversations": "ok",
    }


def test_an_answer_given_before_comes_from_the_cache(running: Serving) -> None:
    url = f"http://127.0.0.1:{running.port}/api/v1/chat/"
    first, second = (httpx.post(url, json={"query": "printer is shown as offline"}).json() for _ in range(2))
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["response"] == second["response"]


def test_its_port_is_taken_now(running: Serving, original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(original, monkeypatch)
    place.set(PORT=running.port)
    with pytest.raises(SettingsInvalid) as refused:
        serving.refuse_taken_port(ServiceSettings())
    assert refused.value.variable == "PORT"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_soon(original: Path, tmp_path: Path, number: signal.Signals) -> None:
    with pytest.MonkeyPatch.context() as patch:
        copy_of(original, tmp_path, patch)
    with serving_in(tmp_path) as service:
        service.wait_ready()
        assert service.stop(number) < STOP_SECONDS
        assert service.process.returncode in {0, -number}
        assert "Traceback" not in service.output
        assert re.search(r"app\.start stopped", service.output)
        assert (tmp_path / "state" / "conversations.sqlite3").is_file()
