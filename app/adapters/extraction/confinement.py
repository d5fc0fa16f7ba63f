"""What the reading process gives up before it sees a file: memory, time, files, the network, other programs."""

import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

_OPEN_FILES = 32
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_REFUSED = (
    "socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.system", "os.kill",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "shutil.", "tempfile.", "pty.", "ctypes.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.", "mmap.",
)  # fmt: skip
_IMPORTED = (".py", ".pyc", ".so")


class Refused(Exception):
    """Reading a file was about to do what reading never needs."""


def confine(memory: int) -> None:
    """Give up, for good, what reading files does not need; `memory` in bytes of address space."""
    sys.dont_write_bytecode = True
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (most, most))
    places = tuple({str(Path(place).resolve()) for place in (*sys.path, sys.prefix, sys.base_prefix) if place})
    sys.addaudithook(_Watch(places))


def allow_seconds(seconds: float) -> None:
    """Allow so much computing from now on; the system ends the process that takes more."""
    soft = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


class Memory:
    """How much address space this process takes; made before it is confined, for it reads a file of the system."""

    def __init__(self) -> None:
        # The peak that getrusage tells is no use: a new process begins with that of the one that started it.
        self._descriptor = os.open("/proc/self/statm", os.O_RDONLY)
        self._page = resource.getpagesize()

    def taken(self) -> int:
        """Return the address space in bytes."""
        return int(os.pread(self._descriptor, 100, 0).split()[0]) * self._page


class _Watch:
    """Hears of whatever the interpreter does for a library; only modules may still be opened, to be imported."""

    def __init__(self, places: tuple[str, ...]) -> None:
        self._places = places

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED) or (event == "open" and not self._harmless(*arguments[:3])):
            raise Refused(event)

    def _harmless(self, path: object, mode: object, flags: object) -> bool:
        if isinstance(flags, int) and flags & _WRITING:
            return False
        if isinstance(mode, str) and set(mode) & set("wax+"):
            return False
        name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        return name.endswith(_IMPORTED) and name.startswith(self._places)
