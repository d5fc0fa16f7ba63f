"""The head of a GGUF file: the few facts needed before a model is loaded.

The `gguf` package reads them as well, but needs seconds for it, since it turns every word of the vocabulary into an
object.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from app.errors import ModelAltered

_STRING, _ARRAY, _BOOL = 8, 9, 7
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", _BOOL: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_VERSIONS = (2, 3)
_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """`facts` are the metadata without the arrays; `tensor_types` are the numbers of the quantisations used."""

    facts: dict[str, Any]
    tensor_types: frozenset[int]

    def fact(self, name: str) -> int | None:
        """Return a whole-numbered fact of the model's own architecture, by its name without the prefix."""
        value = self.facts.get(f"{self.facts.get('general.architecture')}.{name}")
        return value if isinstance(value, int) else None


def read_header(path: Path) -> GgufHeader:
    """Read the metadata and the list of tensors. Raises ModelAltered where the file is not a whole GGUF head."""
    try:
        with path.open("rb") as file:
            return _header(file)
    except (struct.error, UnicodeDecodeError, KeyError, ValueError, OSError) as error:
        raise ModelAltered(f"{path.name} is no readable GGUF file", "fetch the model again") from error


def _header(file: BinaryIO) -> GgufHeader:
    if file.read(4) != b"GGUF" or _number(file, "<I") not in _VERSIONS:
        raise ValueError("not GGUF")
    tensors, pairs = _number(file, "<Q"), _number(file, "<Q")
    facts = {}
    for _ in range(_bounded(pairs)):
        name = _text(file)
        value = _value(file, _number(file, "<I"))
        if value is not None:
            facts[name] = value
    types = frozenset(_tensor_type(file) for _ in range(_bounded(tensors)))
    return GgufHeader(facts, types)


def _bounded(count: int) -> int:
    if count > _MOST:
        raise ValueError(f"{count} entries")
    return count


def _number(file: BinaryIO, form: str) -> int:
    value: int = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return value


def _text(file: BinaryIO) -> str:
    length = _bounded(_number(file, "<Q"))
    raw = file.read(length)
    if len(raw) != length:
        raise ValueError("cut short")
    return raw.decode("utf-8")


def _value(file: BinaryIO, kind: int) -> Any:
    """Return a value, or None for an array, which is passed over."""
    if kind == _STRING:
        return _text(file)
    if kind != _ARRAY:
        return _number(file, _SCALARS[kind])
    inner, count = _number(file, "<I"), _bounded(_number(file, "<Q"))
    if inner == _STRING:
        for _ in range(count):
            file.seek(_bounded(_number(file, "<Q")), 1)
    else:
        file.seek(struct.calcsize(_SCALARS[inner]) * count, 1)
    return None


def _tensor_type(file: BinaryIO) -> int:
    _text(file)
    dimensions = _number(file, "<I")
    file.seek(8 * _bounded(dimensions), 1)
    kind = _number(file, "<I")
    file.seek(8, 1)
    return kind
