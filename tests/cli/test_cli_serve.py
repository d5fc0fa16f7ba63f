"""`serve`: a real process that says how to try it, answers, and ends when it is told to."""

import asyncio
import logging
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app.cli import serving
from app.cli.main import main
from app.config import ServiceSettings
from app.errors import SettingsInvalid
from app.services.bundle import Services
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


@pytest.fixture
def place(original: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    # Pytest's own handlers stay: what is logged is of no interest here.
    monkeypatch.setattr(serving, "configure", lambda _plan: None)
    return Place(original, monkeypatch)


def test_a_taken_port_is_refused_by_name(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place.set(PORT=other.getsockname()[1])
        assert place.run("serve") == 2
    printed = capsys.readouterr().err
    assert "error [settings_invalid]: PORT: 127.0.0.1:" in printed
    assert "Address already in use" in printed
    assert "remedy: stop the other program, or set PORT" in printed


def unknown(*_arguments: object, **_options: object) -> None:
    raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize("host", ["elsewhere", "192.0.2.1", "a..b"])
def test_an_address_that_is_not_ours_is_refused_by_name(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    place.set(HOST=host, ALLOW_ANONYMOUS="true", PORT=free_port())
    if host == "elsewhere":
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert place.run("serve") == 2
    printed = capsys.readouterr().err
    assert "error [settings_invalid]: HOST: " in printed
    assert "remedy: name an address of this machine" in printed


def test_what_keeps_it_from_starting_is_said_in_one_line(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.set(EMBEDDING_MODEL="no-such-folder", PORT=free_port())
    assert place.run("serve") == 2
    printed = capsys.readouterr().err
    assert "error [model_missing]: sentence-transformers/no-such-folder is not in the local hub cache" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("host", "shown"),
    [("0.0.0.0", "http://127.0.0.1:8000/"), ("::", "http://127.0.0.1:8000/"), ("::1", "http://[::1]:8000/")],
)
def test_the_address_shown_can_be_asked(capsys: pytest.CaptureFixture[str], host: str, shown: str) -> None:
    serving._say_how_to_try(ServiceSettings(host=host))
    assert f"is ready: {shown}" in capsys.readouterr().err


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[uvicorn.Server]:
    """Return the servers that commands of this process make."""
    found: list[uvicorn.Server] = []

    class Kept(serving._Server):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            found.append(self)

    monkeypatch.setattr(serving, "_Server", Kept)
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_serves_until_it_is_told_to_stop(place: Place, made: list[uvicorn.Server]) -> None:
    port = free_port()
    place.set(PORT=port)
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(["serve"])))
    thread.start()
    wait_until(lambda: bool(made) and made[0].started)
    assert httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
    made[0].handle_exit(signal.SIGINT, None)
    thread.join(STOP_SECONDS)
    assert codes == [0]


@asynccontextmanager
async def never_ready(*_arguments: object) -> AsyncIterator[Services]:
    await asyncio.Event().wait()
    yield Services(None, None, None)  # type: ignore[arg-type]


def test_a_signal_ends_it_while_it_still_starts(
    place: Place, made: list[uvicorn.Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "open_services", never_ready)
    level = logging.getLogger("uvicorn.error").level
    place.set(PORT=free_port())
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(["serve"])))
    thread.start()
    wait_until(lambda: bool(made) and hasattr(made[0], "lifespan"))
    made[0].handle_exit(signal.SIGINT, None)
    thread.join(STOP_SECONDS)
    logging.getLogger("uvicorn.error").setLevel(level)
    assert codes == [0]


def test_an_interruption_is_no_fault(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.set(PORT=free_port())
    for error, code in ((KeyboardInterrupt, 0), (SystemExit, None)):
        monkeypatch.setattr(serving._Server, "run", lambda _self, error=error: (_ for _ in ()).throw(error))
        if code is None:
            with pytest.raises(SystemExit):
                place.run("serve")
        else:
            assert place.run("serve") == code
