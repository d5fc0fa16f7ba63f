"""The whole service as a process of its own, and fault proxies beside the tests, which may do anything to either."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from fault_proxy import FaultProxy, Faults
from server_processes import Server

from tests.knowledge_folder import environment

REPOSITORY = Path(__file__).parents[1]
SECRET = "0b8f2a6c9d4e7153" * 2 + "of-the-fault-tests"
_START_SECONDS = 60.0


@dataclass
class Service:
    """A service in a process, what it has printed so far, and where it is."""

    process: "subprocess.Popen[str]"
    port: int
    lines: list[str] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def ended(self, seconds: float) -> int:
        """Wait for its end and return its exit code; fails where it is not over in time."""
        code: int = self.process.wait(seconds)
        return code

    def told_to_end(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.base}/readyz").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def service_in(root: Path, settings: Mapping[str, object], *, through: Sequence[str] = ()) -> Iterator[Service]:
    """Start the service over an installation; `through` is a command that is to start it. It need not be ready yet."""
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given = {name: str(value) for name, value in settings.items()}
    env = {**kept, **environment(root), "PYTHONPATH": str(REPOSITORY), "PORT": str(port), "SECRET_KEY": SECRET, **given}
    process = subprocess.Popen(
        [*through, sys.executable, "-m", "app", "serve"],
        cwd=root,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    service = Service(process, port)
    reading = threading.Thread(target=_read, args=(service,), daemon=True)
    reading.start()
    try:
        yield service
    finally:
        process.kill()
        process.wait()
        reading.join(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read(service: Service) -> None:
    assert service.process.stdout is not None
    with service.process.stdout as output:
        for line in output:
            service.lines.append(line)


@dataclass
class PickyProxy(FaultProxy):
    """A fault proxy that can lose certain replies as well: those that hold the bytes `unsaid`."""

    unsaid: bytes = b""

    def _passed(self, data: bytes) -> bytes:
        return b"" if self.unsaid and self.unsaid in data else super()._passed(data)


@dataclass
class Between:
    """A fault proxy at work in a thread of its own, so that it outlives a test's event loop."""

    proxy: PickyProxy
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return self.proxy.port

    def hurt(self, faults: Faults) -> None:
        self.proxy.faults = faults

    def heal(self) -> None:
        self.proxy.heal()
        self.proxy.unsaid = b""

    def reset_all(self) -> None:
        """Reset every connection, and return once that is done."""

        async def reset() -> None:
            self.proxy.reset_all()

        asyncio.run_coroutine_threadsafe(reset(), self.loop).result(5)


@contextmanager
def between(target: int) -> Iterator[Between]:
    """Run a proxy to a port for the length of a block."""
    made: list[Between] = []
    ready = threading.Event()
    over = asyncio.Event()

    async def run() -> None:
        proxy = PickyProxy(target)
        server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        made.append(Between(proxy, asyncio.get_running_loop()))
        ready.set()
        await over.wait()
        server.close()
        # Whoever was accepted last has a handler only now.
        await asyncio.sleep(0.01)
        await proxy.end()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield made[0]
    finally:
        made[0].loop.call_soon_threadsafe(over.set)
        thread.join(10)


@dataclass
class Standing:
    """A service, a server it depends on, and the proxy on the way from the one to the other."""

    service: Service
    server: Server
    way: Between

    @property
    def base(self) -> str:
        return self.service.base

    def kill(self) -> None:
        """End the server as a crash would; connections through the proxy end with it."""
        self.server.kill()
        self.way.reset_all()
