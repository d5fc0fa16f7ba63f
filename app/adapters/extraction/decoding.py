"""Bytes to text, by what the bytes say about themselves."""

import codecs
import re

from app.errors import DocumentRefused

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SAMPLE = 100_000
_SHARE = 100
_FEW = 1_000
"""One control character in so many is still text: a log may hold an escape or a bell."""


def decode(content: bytes, *, legacy: bool = False) -> str:
    """Return the text of a file: by its byte order mark, else UTF-8, else, where `legacy`, Windows-1252.

    Raises DocumentRefused for what is no text, or text in another encoding.
    """
    encoding = stated(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or not legacy:
            raise DocumentRefused("wrong_encoding", f"byte {error.start + 1} is not {encoding.upper()}") from error
        text = _windows(content)
    _refuse_binary(text)
    return text


def stated(content: bytes) -> str:
    """Return the encoding that a file's first bytes tell: its mark, or the zeros of UTF-16; UTF-8 where they do not."""
    return next((name for mark, name in _MARKS if content.startswith(mark)), "") or _unmarked(content)


def _unmarked(content: bytes) -> str:
    """Tell UTF-16 without a mark by its zeros: nearly every other byte of a western text."""
    sample = content[: _SAMPLE - _SAMPLE % 2]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if len(content) % 2 == 0 and half and max(even, odd) > half * 0.7 and min(even, odd) < half * 0.1:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def _windows(content: bytes) -> str:
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise DocumentRefused("wrong_encoding", f"byte {error.start + 1} is neither UTF-8 nor Windows-1252") from error


def _refuse_binary(text: str) -> None:
    sample = text[:_SAMPLE]
    if len(_BINARY.findall(sample)) * _SHARE > max(len(sample), _FEW) or sample.count("\0") > len(sample) // 1000:
        raise DocumentRefused("binary", "holds bytes that are no text")
