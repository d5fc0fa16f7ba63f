"""Which file is read how. Readers are imported for the first file that needs them: some take a while."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Final, TypeAlias, cast

from app.adapters.extraction.limits import Budget, Limits
from app.domain.extraction import ColumnMapping, Extracted
from app.errors import DocumentRefused

Reader: TypeAlias = Callable[[bytes, ColumnMapping, Budget], Iterator[Extracted]]

FORMATS: Final[Mapping[str, str]] = {
    "md": "markdown",
    "markdown": "markdown",
    "html": "html",
    "htm": "html",
    "txt": "plain",
    "log": "plain",
    "pdf": "pdf",
    "docx": "docx",
    "csv": "table",
    "json": "records",
    "jsonl": "records",
}
"""The endings that are read, and the module of this package whose `read` reads them."""

_PDF_MARK = b"%PDF-"
_BLANK_WITHIN = 1024
_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def ending(name: str) -> str:
    """Return a file name's ending as in `FORMATS`, empty where it has none."""
    stem, dot, suffix = name.rpartition(".")
    return suffix.lower() if dot and stem else ""


def check(suffix: str, content: bytes, limits: Limits) -> None:
    """Raise DocumentRefused for what can be told without reading: an unknown ending, another content, a size."""
    if suffix not in FORMATS:
        raise DocumentRefused("unknown_format", f"files ending in {', '.join(sorted(FORMATS))} are read")
    if not content:
        raise DocumentRefused("empty", "holds nothing")
    if len(content) > limits.file_bytes:
        raise DocumentRefused("too_large", f"is larger than {limits.file_bytes} bytes")
    if suffix == "docx" and content.startswith(_OLD_OFFICE):
        # Word wraps a document with a password in its old format.
        raise DocumentRefused("encrypted", "is protected by a password, or in Word's old format")
    if _kind(content) != {"pdf": "pdf", "docx": "zip"}.get(suffix, "text"):
        raise DocumentRefused("wrong_format", f"its content is not what the ending {suffix} says")


def read(suffix: str, content: bytes, mapping: ColumnMapping, limits: Limits) -> tuple[Extracted, ...]:
    """Return the documents in a file, at least one. Raises DocumentRefused, and whatever a library raises."""
    check(suffix, content, limits)
    module = import_module(f"app.adapters.extraction.{FORMATS[suffix]}")
    return tuple(cast("Reader", module.read)(content, mapping, Budget(limits)))


def _kind(content: bytes) -> str:
    if content.startswith(_ZIP_MARKS):
        return "zip"
    return "pdf" if content[:_BLANK_WITHIN].lstrip().startswith(_PDF_MARK) else "text"
