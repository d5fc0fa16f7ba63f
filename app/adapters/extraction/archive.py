"""What is asked of an archive before anything in it is read."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from app.adapters.extraction.limits import Limits
from app.errors import DocumentRefused

_ENTRY = b"PK\x01\x02"
_ARCHIVE_MARKS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b\x08",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"BZh",
    b"\xfd7zXZ",
)
_ARCHIVE_NAMES = re.compile(r"\.(?:zip|jar|gz|tgz|bz2|xz|7z|rar|tar|docx|docm|xlsx|xlsm|pptx|odt|ods)$", re.IGNORECASE)
_TRAVERSAL = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|[\x00-\x1f]")
_DECLARED = re.compile(rb"""\A<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_READ_AS = frozenset([b"utf-8", b"us-ascii", b"ascii"])
_CHUNK = 256 * 1024
# Below this an archive may be as dense as it likes: a small part of blanks is no bomb.
_HARMLESS = 1_000_000
_ENCRYPTED = 0x1


def inspect(content: bytes, limits: Limits) -> frozenset[str]:
    """Return the names in an archive of XML parts; raises DocumentRefused for what it should not hold."""
    if content.count(_ENTRY) > limits.entries:
        raise DocumentRefused("too_many_entries", f"holds more than {limits.entries} parts")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return frozenset(_inspected(archive, len(content), limits))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, UnicodeDecodeError) as error:
        raise DocumentRefused("unreadable", "is damaged, or no archive") from error


def _inspected(archive: zipfile.ZipFile, size: int, limits: Limits) -> Iterator[str]:
    whole, names = 0, set[str]()
    for entry in archive.infolist():
        _check_name(entry, names)
        part = bytearray()
        with archive.open(entry) as stream:
            while chunk := stream.read(_CHUNK):
                part += chunk
                whole += len(chunk)
                if whole > limits.inflated_bytes or whole > max(_HARMLESS, size * limits.ratio):
                    raise DocumentRefused(
                        "too_large_inside",
                        f"grows to more than {limits.inflated_bytes} bytes, or {limits.ratio} times its size",
                    )
        _check_part(entry.filename, bytes(part))
        yield entry.filename


def _check_name(entry: zipfile.ZipInfo, names: set[str]) -> None:
    # The name as it stands in the archive: the library cuts it at a zero.
    if any(_TRAVERSAL.search(name) for name in (entry.orig_filename, entry.filename)):
        raise DocumentRefused("unsafe_name", "holds a part whose name leaves the archive")
    if entry.filename in names:
        raise DocumentRefused("unsafe_name", "holds two parts of one name")
    names.add(entry.filename)
    if entry.flag_bits & _ENCRYPTED:
        raise DocumentRefused("encrypted", "is protected by a password")


def _check_part(name: str, part: bytes) -> None:
    if part.startswith(_ARCHIVE_MARKS) or _ARCHIVE_NAMES.search(name):
        raise DocumentRefused("nested_archive", "holds another archive")
    head = part[:4]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (b"<" in head and b"\0" in head):
        raise DocumentRefused("unsafe_xml", "holds XML in another encoding than UTF-8")
    bare = part.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not bare.startswith(b"<") and not name.lower().endswith((".xml", ".rels")):
        return
    declared = _DECLARED.match(bare)
    if declared is not None and declared[1].lower() not in _READ_AS:
        raise DocumentRefused("unsafe_xml", "holds XML in another encoding than UTF-8")
    if b"<!DOCTYPE" in part or b"<!ENTITY" in part:
        raise DocumentRefused("unsafe_xml", "holds XML that declares a document type or entities")
