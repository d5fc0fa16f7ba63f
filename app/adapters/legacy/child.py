"""The process that reads one file nobody vouches for: `python -m app.adapters.legacy.child KIND SIZE < FILE`.

It writes JSON Lines: a head, then one line a row; or one line that says why the file is refused. Memory, processor time
and writing are limited before the first byte is read.
"""

import json
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

from app.adapters.legacy.limits import KINDS, processor_seconds
from app.adapters.legacy.opcodes import read_pickle
from app.adapters.legacy.shapes import measure, plain, rows_of
from app.errors import DocumentRefused

_MEMORY: Final = 240 * 2**20
"""Bytes of address space beyond what the interpreter itself holds."""


def main(arguments: list[str]) -> int:
    """Read standard input as one kind of file and answer on standard output."""
    kind, size = arguments[0], int(arguments[1])
    vectors = KINDS[kind].vectors
    if vectors:
        # Imported before the limits: what its libraries reserve is not the file's doing.
        import app.adapters.legacy.vectors  # noqa: F401, PLC0415
    if kind == "faiss":
        import faiss  # noqa: F401, PLC0415
    _limit(processor_seconds(size), _MEMORY + (2 * size if vectors else 0))
    try:
        for line in _vectors(kind, sys.stdin.buffer, size) if vectors else _table(kind, sys.stdin.buffer.read(size)):
            sys.stdout.write(json.dumps(line) + "\n")
    except DocumentRefused as error:
        sys.stdout.write(json.dumps({"refused": error.reason, "detail": error.detail}) + "\n")
    except MemoryError:
        sys.stdout.write(json.dumps({"refused": "too_large", "detail": "needs too much memory"}) + "\n")
    return 0


def _limit(seconds: int, memory: int) -> None:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0]) if Path("/proc/self/statm").exists() else 0
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: pages * resource.getpagesize() + memory,
    }
    for what, most in limits.items():
        hard = resource.getrlimit(what)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))


def _table(kind: str, data: bytes) -> Iterator[dict[str, Any]]:
    value = read_pickle(data) if kind == "pickle" else _json(data)
    measure(value)
    if kind == "object":
        yield {"object": plain(value)}
        return
    shape, rows = rows_of(value)
    yield {"shape": shape, "rows": len(rows)}
    for row in rows:
        yield {"row": plain(row)}


def _json(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DocumentRefused("broken", f"is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise DocumentRefused("broken", f"is not JSON: {error.msg}, line {error.lineno}") from error
    except RecursionError as error:
        raise DocumentRefused("too_deep", "is nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits
        raise DocumentRefused("too_large", "holds a number that is too long") from error


def _vectors(kind: str, file: IO[bytes], size: int) -> Iterator[dict[str, Any]]:
    from app.adapters.legacy.vectors import look_at_faiss, look_at_npy  # noqa: PLC0415 - numpy, which tables need not

    yield {"vectors": asdict((look_at_faiss if kind == "faiss" else look_at_npy)(file, size))}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
