"""Runs the process that reads one old file, and believes nothing it says beyond its form."""

import hashlib
import json
import os
import selectors
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from app.adapters.legacy.limits import KINDS, MAX_ANSWER, processor_seconds, wall_seconds
from app.errors import DependencyFailed, DocumentRefused
from app.modelfiles.apart import child_environment, module_command

_CHILD = "app.adapters.legacy.child"
_CHUNK = 2**20
_MOMENT = 0.5
_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")
"""What a process needs to find its libraries; keys and passwords stay here."""


def read_apart(path: Path, kind: str) -> tuple[int, str, list[dict[str, Any]]]:
    """Return a file's size, its SHA-256 and the objects its reader wrote. Raises DocumentRefused, naming the file."""
    try:
        with _opened(path, KINDS[kind].max_bytes) as (file, size):
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            # Through the descriptor: the process shares its position, and this object's buffer is no part of it.
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            answer = _run(kind, file, size)
            return size, digest, list(_objects(answer))
    except DocumentRefused as error:
        raise DocumentRefused(error.reason, f"{path}: {error.detail}") from error


@contextmanager
def _opened(path: Path, most: int) -> Iterator[tuple[BufferedReader, int]]:
    """Open an ordinary file, and tell its size: a pipe would never end, a device never stop."""
    try:
        file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: PTH123, SIM115
    except OSError as error:
        raise DocumentRefused("unreadable", f"cannot be read: {error.strerror}") from error
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise DocumentRefused("unreadable", "is not an ordinary file")
        if not status.st_size:
            raise DocumentRefused("broken", "is empty")
        if status.st_size > most:
            raise DocumentRefused("too_large", f"has {status.st_size} bytes, at most {most // 2**20} MiB are read")
        yield file, status.st_size


def _run(kind: str, file: BufferedReader, size: int) -> bytes:
    known = child_environment()
    environment = {name: known[name] for name in _PASSED_ON if name in known}
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module, arguments passed as a list
            module_command(_CHILD, kind, str(size)),
            env=environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise DependencyFailed("legacy reader", str(error)) from error
    with process:
        try:
            answer = _collected(process, time.monotonic() + wall_seconds(size))
        finally:
            # One that has ended already keeps its status.
            _end(process)
    if answer is None or process.returncode in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise DocumentRefused("too_slow", f"takes more than {processor_seconds(size)} s of processor time to read")
    if process.returncode != 0:
        raise DocumentRefused("broken", f"ends its reader with status {process.returncode}")
    return answer


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Wait a moment for a process that has nothing more to say, then end it."""
    try:
        process.wait(_MOMENT)
    except subprocess.TimeoutExpired:
        process.kill()


def _collected(process: "subprocess.Popen[bytes]", deadline: float) -> bytes | None:
    """Return what the process writes until it ends, None when time is up. Raises DocumentRefused for too much."""
    if process.stdout is None:
        raise DependencyFailed("legacy reader", "has no output")
    found = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            piece = os.read(process.stdout.fileno(), _CHUNK)
            if not piece:
                return bytes(found)
            found += piece
            if len(found) > MAX_ANSWER:
                raise DocumentRefused("too_large", f"comes to more than {MAX_ANSWER // 2**20} MiB written out")
    return None


def _objects(answer: bytes) -> Iterator[dict[str, Any]]:
    """Yield the lines of an answer; raises the refusal it holds, or one of its own for anything but objects."""
    for line in answer.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DocumentRefused("broken", "its reader wrote no JSON") from error
        if not isinstance(value, dict):
            raise DocumentRefused("broken", "its reader wrote no objects")
        if "refused" in value:
            raise DocumentRefused(str(value["refused"])[:40], str(value.get("detail", ""))[:400])
        yield value
