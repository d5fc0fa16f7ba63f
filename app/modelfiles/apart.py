"""Work kept out of this process: converters that need hundreds of megabytes once, and telemetry nobody asked for."""

import os
import subprocess
import sys
from pathlib import Path
from typing import cast

_LAST_WORDS = 400


class ApartFailed(Exception):
    """A module run in a process of its own ended badly; the message is the last line it wrote."""


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs one of our modules with this Python."""
    return [sys.executable, "-m", module, *arguments]


def child_environment() -> dict[str, str]:
    """Return the environment of a process that finds what this one can import, and asks no hub."""
    places = os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
    return os.environ | {"PYTHONPATH": places, "HF_HUB_OFFLINE": "1"}


def run_apart(module: str, *arguments: str, seconds: float) -> None:
    """Run `python -m module arguments` and wait for it at most `seconds`.

    What the module needs of memory is given back with its process. Raises ApartFailed.
    """
    command = module_command(module, *arguments)
    try:
        done = subprocess.run(  # noqa: S603 - our own module, arguments passed as a list
            command,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ApartFailed(f"{module}: {error}") from error
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"status {done.returncode}"]
        raise ApartFailed(lines[-1][-_LAST_WORDS:])


def block_telemetry() -> None:
    """Keep OpenVINO from reporting its use to its maker; call before the first `import openvino`.

    Its telemetry package would, on import, write an id to the home folder and fork a process that posts to a server
    on the internet. A module that is None cannot be imported, and OpenVINO then uses a stub that does nothing.
    """
    cast("dict[str, object]", sys.modules).setdefault("openvino_telemetry", None)
