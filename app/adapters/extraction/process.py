"""The reading process as the service sees it: asked one file at a time, ended when it takes too long."""

import dataclasses
import json
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import IO, Self

from app.adapters.extraction import wire
from app.adapters.extraction.answers import Answer, parsed
from app.adapters.extraction.limits import Limits
from app.errors import DependencyFailed, DocumentRefused
from app.modelfiles.apart import child_environment, module_command

NAME = "file reader"

_MODULE = "app.adapters.extraction.child"
_START_SECONDS = 30.0
# The reading process is trusted with none of the service's secrets.
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
# A section's text stands in an answer twice where it is steps, and a character may take two bytes in JSON.
_TEXT_FACTOR = 6
_DOCUMENT_BYTES = 2_000
_CRASHES = frozenset([signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE])


class Lost(Exception):
    """The process has ended, for no fault of the file."""


class ReadingProcess:
    """One process. `stop` may be called from any thread; everything else from one at a time, and it blocks."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._longest = limits.text_bytes * _TEXT_FACTOR + limits.documents * _DOCUMENT_BYTES
        told = child_environment()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, arguments passed as a list
                module_command(_MODULE, json.dumps(dataclasses.asdict(limits))),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={name: told[name] for name in _ENVIRONMENT if name in told},
                # An interrupt at the terminal is the service's to handle; this process ends when its input does.
                start_new_session=True,
            )
        except OSError as error:
            raise DependencyFailed(NAME, "does not start") from error
        self.worn = False
        self._begin()

    def _begin(self) -> None:
        try:
            with _Alarm(_START_SECONDS, self.stop):
                ready = parsed(wire.read_frame(_pipe(self._process.stdout), self._longest)).ready
        except wire.Broken as error:
            self.close()
            raise DependencyFailed(NAME, "does not start") from error
        if not ready:
            self.close()
            raise DependencyFailed(NAME, "does not start")

    @property
    def pid(self) -> int:
        """The process's number, for those who watch it."""
        return self._process.pid

    def ask(self, head: bytes, content: bytes) -> Answer:
        """Return the answer to a request.

        Raises DocumentRefused where the file took the process's time or memory, or made it crash; Lost where the
        process ended otherwise. After either, and after an answer that says it is the last, the process is `worn`.
        """
        alarm = _Alarm(self._limits.seconds, self.stop)
        try:
            with alarm:
                wire.write_frame(_pipe(self._process.stdin), head)
                wire.write_frame(_pipe(self._process.stdin), content)
                answer = parsed(wire.read_frame(_pipe(self._process.stdout), self._longest))
        except (wire.Broken, OSError, ValueError) as error:
            self.worn = True
            self.close()
            raise self._verdict(rang=alarm.rang) from error
        self.worn = answer.last or alarm.rang
        return answer

    def _verdict(self, *, rang: bool) -> DocumentRefused | Lost:
        """Return what ended the process."""
        status = -(self._process.returncode or 0)
        if rang or status == signal.SIGXCPU:
            return DocumentRefused("too_slow", f"takes more than {self._limits.seconds:g} seconds to read")
        if status in _CRASHES:
            return DocumentRefused("unreadable", "cannot be read: its reader broke off")
        return Lost(f"ended with status {self._process.returncode}")

    def stop(self) -> None:
        """End the process now; whoever waits for it hears."""
        self._process.kill()

    def close(self) -> None:
        """End the process, wait for its end and give back its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                _pipe(pipe).close()
            except OSError:
                # What was left to write has nobody to read it.
                continue


class _Alarm:
    """Calls a function unless the block is left in time."""

    def __init__(self, seconds: float, ring: Callable[[], None]) -> None:
        self.rang = False
        self._ring = ring
        self._timer = threading.Timer(seconds, self._act)
        self._timer.daemon = True

    def _act(self) -> None:
        self.rang = True
        self._ring()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process has no such pipe")
    return stream
