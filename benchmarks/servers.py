"""Servers under measurement: processes of their own on free ports, stopped at the end."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil

_START_SECONDS = 300
_STOP_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers: its port, its process, and the seconds from its start until it was ready."""

    port: int
    process: psutil.Process
    started: float

    def cpu_seconds(self) -> float:
        """Return the processor time it has used so far, on all cores."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def free_port() -> int:
    """Return a port of this machine nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, environment: Mapping[str, str], ready: str) -> Iterator[Running]:
    """Start a server and wait until the path `ready` answers 200; raises SystemExit where it does not."""
    begun = time.perf_counter()
    child = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _until_ready(f"http://127.0.0.1:{port}{ready}", child)
        yield Running(port, psutil.Process(child.pid), time.perf_counter() - begun)
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()


@contextmanager
def running_service(**settings: str) -> Iterator[Running]:
    """Start this service with a state folder of its own, extracting its answers unless the settings say otherwise."""
    with tempfile.TemporaryDirectory() as state:
        port = free_port()
        environment = {"PORT": str(port), "STATE_DIR": state, "ANSWER_MODE": "extract", **settings}
        with running([sys.executable, "-m", "app", "serve"], port, environment, "/readyz") as server:
            yield server


def _until_ready(url: str, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise SystemExit("the server did not become ready")
