"""Pickles that are out to run code, to fill memory or to take time; and broken ones."""

import os
import pickle
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

ROWS = [
    {"id": number, "subject": f"Printer {number}", "answer": "Restart the spooler. " * 3, "metadata": {"tags": ["a"]}}
    for number in range(8)
]


class Calls:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._call


class Built:
    """An object with a state: BUILD and NEWOBJ."""

    def __init__(self) -> None:
        self.state = "x"


def gadgets(canary: Path) -> Iterator[bytes]:
    """Yield pickles that would write a file, by several ways and every protocol."""
    touch = f"touch {canary}"
    write = f"open({str(canary)!r}, 'w').close()"
    for protocol in range(6):
        for value in (
            Calls(os.system, touch),
            Calls(eval, write),
            Calls(exec, write),
            Calls(subprocess.check_output, ["touch", str(canary)]),
            Calls(subprocess.Popen, ["touch", str(canary)]),
            Calls(__import__, "antigravity"),
            Built(),
            [*ROWS, {"subject": "x", "answer": Calls(os.system, touch)}],
            {"_rebuild_tensor": Calls(getattr, "text", "upper")},
            frozenset({1}),
        ):
            yield pickle.dumps(value, protocol)
    text = touch.encode()
    yield b"cos\nsystem\n(S'" + text + b"'\ntR."
    yield b"(S'" + text + b"'\nios\nsystem\n."
    yield b"(cos\nsystem\nS'" + text + b"'\no."
    yield b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c" + bytes([len(text)]) + text + b"\x85R."
    yield b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R."
    yield b"\x80\x02cbuiltins\ngetattr\ncos\nU\x06system\x86R."
    yield b"Pos.system\n."
    yield b"\x80\x02U\x04dataQ."
    yield b"\x82\x01."
    yield b"\x83\x01\x00."
    yield b"\x84\x01\x00\x00\x00."
    yield b"\x80\x05\x97."
    yield b"\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00a\x98."
    yield b"\x80\x02}}b."


def bombs() -> Iterator[bytes]:
    """Yield pickles that ask for more memory, time or depth than their size lets expect."""
    for index in (2**31 - 1, 2**32 - 1, 0x10000000, 65_536):
        yield b"]r" + index.to_bytes(4, "little") + b"0N."
    yield b"Np2147483647\n."
    yield b"]" + b"q\x00h\x00\x86" * 40 + b"."
    yield b"\x80\x02)" + b"2\x86" * 64 + b"."
    yield b"\x80\x04](" + b"".join(b"(lq" + bytes([n]) + b"h" + bytes([n - 1]) * 2 for n in range(1, 30)) + b"e."
    yield _doubled_lists(40)
    yield b"}" + b")" + b"2\x86" * 40 + b"Ns."
    yield b"\x80\x04\x8f(" + b")" + b"2\x86" * 40 + b"\x90."
    for depth in (33, 1000, 100_000):
        yield b"]" * depth + b"a" * (depth - 1) + b"."
        yield b"(" * depth + b"t" * depth + b"."
        yield b"N" + b"\x85" * depth + b"."
    yield b"]q\x00h\x00a."
    yield b"}q\x00S'a'\nh\x00s."
    yield b"}" * 3_000_000 + b"."
    yield b"\x8f" * 3_000_000 + b"."
    yield b"N" * 3_000_000 + b"."
    yield b"(" * 3_000_000 + b"."
    yield b"\x80\x04N" + b"\x94" * 3_000_000 + b"."
    yield b"X" + (2**31 - 1).to_bytes(4, "little") + b"a."
    yield b"\x8d" + (2**62).to_bytes(8, "little") + b"a."
    yield b"\x8b" + (2**31 - 1).to_bytes(4, "little") + b"\x01."
    yield b"\x8b" + (100_000).to_bytes(4, "little") + b"\x7f" * 100_000 + b"."
    yield b"L" + b"9" * 4_000 + b"L\n."
    yield b"I" + b"9" * 2_000_000 + b"\n."
    yield b"\x80\x04\x95" + (2**63).to_bytes(8, "little") + b"N."
    yield b"]" + b"(" + b"K\x01" * 1_000_000 + b"e."


def _doubled_lists(times: int) -> bytes:
    body = b"".join(b"]r" + n.to_bytes(4, "little") + (b"j" + (n - 1).to_bytes(4, "little") + b"a") * 2
                    for n in range(1, times))  # fmt: skip
    return b"]r\x00\x00\x00\x00" + body + b"."


def broken(random: Random, count: int) -> Iterator[bytes]:
    """Yield good pickles that were cut short, or in which some bytes were changed."""
    good = [pickle.dumps(ROWS, protocol) for protocol in range(6)]
    for number in range(count):
        raw = bytearray(good[number % 6])
        if number % 3 == 0:
            yield bytes(raw[: random.randrange(1, len(raw))])
            continue
        for _ in range(random.choice((1, 1, 2, 8))):
            raw[random.randrange(len(raw))] = random.randrange(256)
        yield bytes(raw)
