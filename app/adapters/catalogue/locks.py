"""Locks between processes that share a catalogue; the system frees them when their process ends, however it ends."""

import fcntl
import os
from pathlib import Path

from app.adapters.catalogue.database import translated

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class FileLocks:
    """The RunnerLock port over two files."""

    def __init__(self, runner: Path, serving: Path) -> None:
        self._runner, self._serving = runner, serving
        self._held: int | None = None
        self._shared: int | None = None

    def acquire(self) -> bool:
        """Take the runner's lock if it is free."""
        if self._held is None:
            self._held = _locked(self._runner, fcntl.LOCK_EX)
        return self._held is not None

    def release(self) -> None:
        """Give the runner's lock back."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def serve(self) -> None:
        """Hold a shared lock: whoever cannot have it alone knows that jobs are waited for."""
        if self._shared is None:
            self._shared = _locked(self._serving, fcntl.LOCK_SH)

    def served(self) -> bool:
        """Tell whether another process waits for jobs."""
        alone = _locked(self._serving, fcntl.LOCK_EX)
        if alone is None:
            return True
        os.close(alone)
        return False

    def close(self) -> None:
        """Give everything back."""
        self.release()
        if self._shared is not None:
            os.close(self._shared)
            self._shared = None


def _locked(path: Path, kind: int) -> int | None:
    """Return an open file that is locked, or None where somebody else holds it."""
    with translated():
        descriptor = os.open(path, _FLAGS, 0o600)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor
