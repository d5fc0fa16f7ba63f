"""What a file is by its bytes, whatever its name says: other formats, and files that are two things at once."""

import struct
from typing import BinaryIO

from app.errors import DocumentRefused

_HEAD = 4096
_TAIL = 66_000
_MARKS = {
    b"PK\x03\x04": "a ZIP archive", b"PK\x05\x06": "a ZIP archive", b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive", b"Rar!\x1a\x07": "a RAR archive", b"BZh9": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive", b"\x28\xb5\x2f\xfd": "a zstd archive", b"MSCF": "a cabinet archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Office document", b"MZ": "a Windows program",
    b"\x7fELF": "a program", b"\xca\xfe\xba\xbe": "a program", b"\xcf\xfa\xed\xfe": "a program",
    b"\xce\xfa\xed\xfe": "a program", b"\x00asm": "a program", b"dex\n": "a program", b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image", b"GIF87a": "an image", b"GIF89a": "an image", b"BM": "an image",
    b"II*\x00": "an image", b"MM\x00*": "an image", b"\x00\x00\x01\x00": "an image", b"8BPS": "an image",
    b"RIFF": "a media file", b"OggS": "a media file", b"ID3": "a media file", b"fLaC": "a media file",
    b"SQLite format 3": "a database", b"ElfFile\x00": "a Windows event log; export it as text",
    b"regf": "a registry hive", b"%!PS": "a PostScript file", b"{\\rtf": "an RTF document",
    b"%PDF-": "a PDF", b"\x80\x04": "a pickle", b"\x80\x05": "a pickle",
}  # fmt: skip
# Marks made of letters alone may begin a text; what is binary has a control character soon after.
_SPELT = (b"MZ", b"BM", b"RIFF", b"OggS", b"ID3", b"regf", b"MSCF", b"BZh9", b"fLaC", b"8BPS", b"dex\n")
_CONTROLS = frozenset(range(9)) | frozenset(range(14, 27)) | frozenset(range(28, 32))
_NEAR = 64
_PDF = b"%PDF-"
_END_OF_ZIP = struct.Struct("<4s4H2LH")
_OWN = {"pdf": b"%PDF-", "docx": b"PK\x03\x04"}


def refuse_other(suffix: str, source: BinaryIO, size: int) -> None:
    """Raise DocumentRefused where a file's bytes are of another format than its ending, or of another one as well."""
    source.seek(0)
    head = source.read(_HEAD)
    source.seek(max(0, size - _TAIL))
    tail = source.read(_TAIL)
    own = _OWN.get(suffix)
    if own is not None and not head.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(own):
        raise _wrong(f"its content is not what the ending {suffix} says")
    found = "" if own is not None else _named(head)
    if found:
        raise _wrong(f"it is {found}, not what the ending {suffix} says")
    if suffix != "docx" and _ends_as_zip(tail):
        raise _wrong(f"it is a ZIP archive as well as what the ending {suffix} says")
    # Readers of PDF look for its mark in the first 1024 bytes.
    if suffix != "pdf" and _begins_line(head[:1024], _PDF):
        raise _wrong(f"it is a PDF as well as what the ending {suffix} says")


def _wrong(detail: str) -> DocumentRefused:
    return DocumentRefused("wrong_format", detail)


def _named(head: bytes) -> str:
    """Return what the first bytes say a file is, empty where they may be text."""
    bare = head.lstrip(b"\xef\xbb\xbf\r\n\t ")
    for mark, name in _MARKS.items():
        if bare.startswith(mark) and (mark not in _SPELT or _CONTROLS & set(bare[:_NEAR])):
            return name
    return ""


def _ends_as_zip(tail: bytes) -> bool:
    """Tell whether a file ends with an archive's directory, which is where readers of archives begin."""
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END_OF_ZIP.size:
        return False
    comment = _END_OF_ZIP.unpack_from(tail, at)[-1]
    return bool(at + _END_OF_ZIP.size + comment <= len(tail))


def _begins_line(head: bytes, mark: bytes) -> bool:
    at = head.find(mark)
    return at == 0 or (at > 0 and (head[at - 1] in b"\r\n" or head[at - 1] in _CONTROLS))
