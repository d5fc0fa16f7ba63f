"""The process that reads files: `python -m <this module> LIMITS`, with the limits as JSON; see `wire` for what it says.

It ends when its input does.
"""

import json
import logging
import os
import sys
from typing import IO, Any

from app.adapters.extraction import formats, wire
from app.adapters.extraction.confinement import Memory, allow_seconds, confine
from app.adapters.extraction.limits import Limits
from app.errors import DocumentRefused

# The parent bounds what it sends; this is beyond all of it.
_LONGEST = 1 << 32
_WORN = 0.4
_LONG = 500


def main(arguments: list[str]) -> int:
    """Serve requests until the input ends."""
    limits = Limits(**json.loads(arguments[0]))
    requests, answers = sys.stdin.buffer, _answers()
    logging.disable()
    memory = Memory()
    confine(limits.memory_bytes)
    wire.write_frame(answers, wire.answer({"ready": True}))
    last = False
    while not last:
        try:
            head = wire.read_frame(requests, _LONGEST)
            content = wire.read_frame(requests, _LONGEST)
        except wire.Broken:
            return 0
        allow_seconds(limits.seconds)
        said, failed = _said(head, content, limits)
        # What a large file leaves behind would be missing for the next one.
        last = failed or memory.taken() > limits.memory_bytes * _WORN
        wire.write_frame(answers, wire.answer(said | {"last": last}))
    return 0


def _answers() -> IO[bytes]:
    """Return the pipe to the parent; what libraries print goes nowhere, for a file could choose the words."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    os.close(nowhere)
    return channel


def _said(head: bytes, content: bytes, limits: Limits) -> tuple[dict[str, Any], bool]:
    """Return the answer, and whether it costs the process its life."""
    suffix, mapping, whole = wire.requested(head)
    try:
        if whole:
            from app.adapters.extraction import shapes  # noqa: PLC0415 - as the readers, where it is needed

            return shapes.whole(suffix, content, limits), False
        return {"documents": formats.read(suffix, content, mapping, limits)}, False
    except DocumentRefused as error:
        return {"refused": [error.reason, error.detail[:300]]}, False
    except MemoryError:
        return {"refused": ["too_large_inside", f"takes more than {limits.memory_bytes} bytes to read"]}, True
    except RecursionError:
        return {"refused": ["too_deep", "is nested too deeply"]}, False
    # The last resort: a damaged file makes libraries raise anything, and the parent logs what.
    except Exception as error:  # noqa: BLE001
        return {"fault": f"{type(error).__module__}.{type(error).__name__}"[:_LONG]}, False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
