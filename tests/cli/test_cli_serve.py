"""`serve` within this process: what it refuses, what it prints, and when it stops."""

import asyncio
import logging
import secrets
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app.cli import serving
from app.cli.main import main
from app.config import ServiceSettings
from app.services.bundle import Services
from tests.knowledge_folder import Place, built

START_SECONDS = 40.0
STOP_SECONDS = 5.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("serve")) as root:
        yield root


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
    place.set(HOST=host, ALLOW_ANONYMOUS="true", SECRET_KEY=secrets.token_hex(32), PORT=free_port())
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
    yield Services(None, None, None, None)  # type: ignore[arg-type]


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
