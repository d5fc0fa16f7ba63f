"""The stack machine that builds what a pickle describes, out of plain data alone.

The rules of the stack and the memo follow the docstrings of `pickletools`. Memory is counted while things are built:
an opcode of two bytes can ask for gigabytes.
"""

import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn

from app.errors import DocumentRefused

MAX_BUILT: Final = 160 * 2**20
"""Bytes of everything that is built."""
MAX_PROTOCOL: Final = 5
"""The newest there is."""
MAX_INT_BITS: Final = 64
"""What a number may need: ids and dates do."""
FREE_STEPS: Final = 200_000
BYTES_A_STEP: Final = 4
"""Rows of texts take some 15 bytes an opcode; a file of opcodes alone would take the reader's time for nothing."""

_ITEM: Final = 8
_ENTRY: Final = 104
"""Bytes of an item of a list or the stack, and of an entry of a dict, a set or the memo, growth included."""

_KEYS: Final = (type(None), bool, int, float, str, bytes)
"""What may be a key or an element of a set: hashing nested tuples can take exponential time."""


class Machine:
    """For a pickle of `size` bytes: the stack, the marks on it (as its length when they were set), and the memo."""

    def __init__(self, size: int) -> None:
        self._most_steps = FREE_STEPS + size // BYTES_A_STEP
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._steps = 0
        self._built = 0
        self._position = 0

    def at(self, position: int) -> None:
        """Say where in the file the next opcode stands."""
        self._position = position
        self._steps += 1
        if self._steps > self._most_steps:
            self.refuse("too_large", f"more than {self._most_steps} opcodes, far more than its texts would need")

    def result(self) -> Any:
        """Return the one value that is left at the end."""
        if len(self._stack) != 1 or self._marks:
            self.refuse("broken", "the pickle does not end with one value")
        return self._stack[0]

    def refuse(self, reason: str, detail: str) -> NoReturn:
        """Raise DocumentRefused, naming the place."""
        raise DocumentRefused(reason, f"byte {self._position}: {detail}")

    def _charge(self, size: int) -> None:
        self._built += size
        if self._built > MAX_BUILT:
            self.refuse("too_large", f"builds more than {MAX_BUILT // 2**20} MiB")

    def push(self, value: Any, size: int) -> None:
        """Push a value of so many bytes."""
        self._charge(size + _ITEM)
        self._stack.append(value)

    def number(self, value: Any) -> None:
        """Push a number."""
        if isinstance(value, int) and value.bit_length() > MAX_INT_BITS:
            self.refuse("too_large", f"a number of more than {MAX_INT_BITS} bits")
        self.push(value, sys.getsizeof(value))

    def _pop(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            self.refuse("broken", "takes from an empty stack")
        return self._stack.pop()

    def _popped_to_mark(self) -> list[Any]:
        if not self._marks:
            self.refuse("broken", "has no mark on the stack")
        mark = self._marks.pop()
        items = self._stack[mark:]
        del self._stack[mark:]
        return items

    def _top(self) -> Any:
        value = self._pop()
        self._stack.append(value)
        return value

    def _container(self, kind: type[Any]) -> Any:
        value = self._top()
        if type(value) is not kind:
            self.refuse("broken", f"expected a {kind.__name__} on the stack, found a {type(value).__name__}")
        return value

    def protocol(self, version: int) -> None:
        """PROTO: accept the versions we know."""
        if version > MAX_PROTOCOL:
            self.refuse("broken", f"pickle protocol {version} is not known")

    def nothing(self, _argument: object) -> None:
        """FRAME and STOP: they say how the rest is laid out, which the disassembler knows."""

    def mark(self, _argument: object) -> None:
        """MARK: remember where the stack ends now."""
        self._charge(_ITEM)
        self._marks.append(len(self._stack))

    def pop(self, _argument: object) -> None:
        """POP: drop the top of the stack, be it a mark or a value."""
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._pop()

    def pop_mark(self, _argument: object) -> None:
        """POP_MARK: drop everything down to the mark."""
        self._popped_to_mark()

    def duplicate(self, _argument: object) -> None:
        """DUP: push the top again."""
        self.push(self._top(), 0)

    def put(self, index: int) -> None:
        """PUT and its kin: an index beyond the number of opcodes so far serves nothing but to fill memory."""
        if not 0 <= index <= self._steps:
            self.refuse("unsafe_pickle", f"memo index {index} after {self._steps} opcodes")
        self._charge(_ENTRY)
        self._memo[index] = self._top()

    def memoize(self, _argument: object) -> None:
        """MEMOIZE: put under the next free index."""
        self.put(len(self._memo))

    def get(self, index: int) -> None:
        """GET and its kin: push what was put under an index."""
        if index not in self._memo:
            self.refuse("broken", f"nothing is kept under memo index {index}")
        self.push(self._memo[index], 0)

    def new(self, make: Callable[[], Any]) -> None:
        """Push an empty container."""
        value = make()
        self.push(value, sys.getsizeof(value))

    def short_tuple(self, length: int) -> None:
        """TUPLE1, TUPLE2, TUPLE3: a tuple of the topmost values."""
        items = [self._pop() for _ in range(length)]
        self._built_tuple(tuple(reversed(items)))

    def marked_tuple(self, _argument: object) -> None:
        """TUPLE: a tuple of everything down to the mark."""
        self._built_tuple(tuple(self._popped_to_mark()))

    def _built_tuple(self, value: tuple[Any, ...]) -> None:
        self.push(value, sys.getsizeof(value))

    def marked_list(self, _argument: object) -> None:
        """LIST: a list of everything down to the mark."""
        items = self._popped_to_mark()
        self.push(items, sys.getsizeof(items))

    def marked_dict(self, _argument: object) -> None:
        """Build a dict of the pairs down to the mark."""
        items = self._popped_to_mark()
        self.new(dict)
        self._set(items)

    def append(self, _argument: object) -> None:
        """APPEND: put one value at the end of the list below it."""
        self._extend([self._pop()])

    def extend(self, _argument: object) -> None:
        """Put everything down to the mark at the end of the list below it."""
        self._extend(self._popped_to_mark())

    def _extend(self, items: list[Any]) -> None:
        self._charge(_ITEM * len(items))
        self._container(list).extend(items)

    def set_item(self, _argument: object) -> None:
        """SETITEM: put one pair into the dict below it."""
        value = self._pop()
        self._set([self._pop(), value])

    def set_items(self, _argument: object) -> None:
        """SETITEMS: put the pairs down to the mark into the dict below it."""
        self._set(self._popped_to_mark())

    def _set(self, items: list[Any]) -> None:
        if len(items) % 2:
            self.refuse("broken", "a key without a value")
        self._charge(_ENTRY * (len(items) // 2))
        self._container(dict).update(zip(self._hashable(items[::2]), items[1::2], strict=True))

    def add_items(self, _argument: object) -> None:
        """ADDITEMS: put everything down to the mark into the set below it."""
        items = self._popped_to_mark()
        self._charge(_ENTRY * len(items))
        self._container(set).update(self._hashable(items))

    def _hashable(self, keys: list[Any]) -> list[Any]:
        wrong = next((key for key in keys if type(key) not in _KEYS), None)
        if wrong is not None:
            self.refuse("unsafe_pickle", f"a {type(wrong).__name__} as a key")
        return keys
