"""The text of a file of any size, decoded piece by piece: what is held is one piece."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from app.adapters.extraction import decoding
from app.domain.files import Piece
from app.errors import DocumentRefused

_PIECE = 256 * 1024
_SAMPLE = 100_000
_BINARY = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SHARE = 100
"""One control character in so many is still text: a log may hold an escape or a bell."""
_FEW = 1_000
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def encoding_of(source: BinaryIO) -> str:
    """Read a file through and return its encoding: by its mark, else UTF-8, else Windows-1252 where that is all it is.

    Raises DocumentRefused for what is no text (`wrong_format`) or is in two encodings, or none of these.
    """
    source.seek(0)
    encoding = decoding.stated(source.read(_SAMPLE))
    try:
        _read_through(source, encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise DocumentRefused("wrong_encoding", f"is no whole {encoding.upper()}") from error
        _refuse_mixed(source, error)
        encoding = "cp1252"
        _read_through(source, encoding)
    return encoding


def pieces(source: BinaryIO, encoding: str, size: int) -> Iterator[Piece]:
    """Yield a file's text in the encoding it was found to be in."""
    read = 0
    for raw, text in _decoded(source, encoding):
        read += raw
        yield Piece(text, min(1.0, read / max(1, size)))


def _decoded(source: BinaryIO, encoding: str) -> Iterator[tuple[int, str]]:
    decoder = codecs.getincrementaldecoder(encoding)()
    source.seek(0)
    while raw := source.read(_PIECE):
        yield len(raw), decoder.decode(raw)
    yield 0, decoder.decode(b"", final=True)


def _read_through(source: BinaryIO, encoding: str) -> None:
    for _, text in _decoded(source, encoding):
        if "\0" in text or len(_BINARY.findall(text)) * _SHARE > max(len(text), _FEW):
            raise DocumentRefused("wrong_format", "holds bytes that are no text")


def _refuse_mixed(source: BinaryIO, error: UnicodeDecodeError) -> None:
    """Refuse a file that is UTF-8 here and something else there: no encoding would read all of it."""
    source.seek(0)
    at = 0
    while raw := source.read(_PIECE):
        if _MULTIBYTE.search(raw):
            raise DocumentRefused("wrong_encoding", "is UTF-8 in one place and another encoding elsewhere") from error
        if (bad := _no_windows(raw)) is not None:
            told = f"byte {at + bad + 1} is neither UTF-8 nor Windows-1252"
            raise DocumentRefused("wrong_encoding", told) from error
        at += len(raw)


def _no_windows(raw: bytes) -> int | None:
    try:
        raw.decode("cp1252")
    except UnicodeDecodeError as error:
        return error.start
    return None
