"""Publishes a release in a forked process that kills itself at a chosen step.

A step is an instruction (bytecode) of our own code that runs while a release is written, switched to and cleaned up
after: between any two of them the power may fail. The fork is traced, so that a step is the same place in every run.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from app.adapters.index import durable, files, store
from app.adapters.index.store import FolderReleaseStore
from app.domain.releases import ReleaseContent

_WATCHED = frozenset(str(module.__file__) for module in (durable, files, store))


class _Killer:
    """Counts instructions, and kills this process at the one that is asked for."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self, frame: FrameType, event: str, _argument: object) -> "_Killer | None":
        if frame.f_code.co_filename not in _WATCHED:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def published_or_killed(folder: Path, content: ReleaseContent, step: int) -> bool:
    """Publish in a process of its own that dies at this step, counted from 1; tell whether it died."""
    child = os.fork()
    if not child:
        sys.settrace(_Killer(step))
        FolderReleaseStore(folder, keep=1).publish(content)
        sys.settrace(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False
