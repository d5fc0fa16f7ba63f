"""Reads a pickle as data: a subset of its opcodes is interpreted, everything that names or calls code is refused.

Opcodes are split by the standard library's disassembler (`pickletools.genops`), which runs nothing. What can be built
is None, bool, int, float, str, bytes, list, tuple, dict and set.
"""

import pickletools
import struct
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias

from app.adapters.legacy.machine import Machine
from app.errors import DocumentRefused

_SHOWN = 80

_Action: TypeAlias = Callable[[Machine, Any], None]


def read_pickle(data: bytes) -> Any:
    """Return what a pickle holds. Raises DocumentRefused, naming the opcode and its place in the file."""
    machine = Machine(len(data))
    end = 0
    try:
        for opcode, argument, position in pickletools.genops(data):
            end = (position or 0) + 1
            machine.at(end - 1)
            action = _ACTIONS.get(opcode.name)
            if action is None:
                _refuse(machine, opcode.name, argument)
            action(machine, argument)
    except (ValueError, IndexError, OverflowError, struct.error) as error:
        raise DocumentRefused("broken", f"is not a whole pickle: {str(error)[:_SHOWN]}") from error
    if end != len(data):
        raise DocumentRefused("broken", f"goes on after the end of its pickle, at byte {end}")
    return machine.result()


def _refuse(machine: Machine, name: str, argument: object) -> NoReturn:
    what = "" if argument is None else f" ({str(argument)[:_SHOWN]!r})"
    machine.refuse("unsafe_pickle", f"opcode {name}{what} makes or calls objects, and only plain data is read")


def _push(machine: Machine, value: Any) -> None:
    machine.push(value, sys.getsizeof(value))


def _push_old_text(machine: Machine, text: str) -> None:
    """Push a text of Python 2, whose bytes the disassembler reads as Latin-1."""
    try:
        _push(machine, text.encode("latin-1").decode("utf-8"))
    except UnicodeError:
        _push(machine, text)


def _constant(*, value: bool | None) -> _Action:
    return lambda machine, _: machine.push(value, 0)


def _new(kind: type[Any]) -> _Action:
    return lambda machine, _: machine.new(kind)


def _tuple_of(length: int) -> _Action:
    return lambda machine, _: machine.short_tuple(length)


_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT")
_TEXTS = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8")
_OLD_TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING")

_ACTIONS: Final[dict[str, _Action]] = {
    **dict.fromkeys(_NUMBERS, Machine.number),
    **dict.fromkeys(_TEXTS, _push),
    **dict.fromkeys(_OLD_TEXTS, _push_old_text),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Machine.get),
    **dict.fromkeys(("FRAME", "STOP"), Machine.nothing),
    "PROTO": Machine.protocol,
    "NONE": _constant(value=None),
    "NEWTRUE": _constant(value=True),
    "NEWFALSE": _constant(value=False),
    "MEMOIZE": Machine.memoize,
    "MARK": Machine.mark,
    "POP": Machine.pop,
    "POP_MARK": Machine.pop_mark,
    "DUP": Machine.duplicate,
    "EMPTY_LIST": _new(list),
    "EMPTY_TUPLE": _new(tuple),
    "EMPTY_DICT": _new(dict),
    "EMPTY_SET": _new(set),
    "TUPLE": Machine.marked_tuple,
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "LIST": Machine.marked_list,
    "DICT": Machine.marked_dict,
    "APPEND": Machine.append,
    "APPENDS": Machine.extend,
    "SETITEM": Machine.set_item,
    "SETITEMS": Machine.set_items,
    "ADDITEMS": Machine.add_items,
}
