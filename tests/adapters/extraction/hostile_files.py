"""Files made to hurt whoever reads them: some three hundred, the same ones for the same seed."""

import json
import random
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from file_makers import paragraph, pdf, word, word_parts, zipped
from hostile_pdfs import hostile_pdfs

from app.adapters.extraction.formats import FORMATS

MEGA = 1_000_000


class Hostile(NamedTuple):
    """A file, made when it is needed; `reason` is why it is refused, empty where it may also be taken."""

    name: str
    make: Callable[[], bytes]
    reason: str = ""


def hostile_files(seed: int) -> list[Hostile]:
    """Return all of them, shuffled so that any slice holds all sorts."""
    chance = random.Random(seed)  # noqa: S311
    found = [*_archives(), *_xml(), *_endings(), *_texts(), *_tables(), *_damaged(chance)]
    found += [Hostile(*entry) for entry in hostile_pdfs(chance)]
    chance.shuffle(found)
    return found


def _with(name: str, part: bytes | str) -> bytes:
    return zipped(word_parts(paragraph("x")) | {name: part})


def _archives() -> Iterator[Hostile]:
    for megas in (2, 10, 40, 120):
        for fill in (b"\0", b" ", b"<w:p/>"):
            big = partial(_with, "word/extra.xml", fill * (megas * MEGA // len(fill)))
            yield Hostile("bomb.docx", big, "too_large_inside")
    for parts in (20, 100, 900):
        many = {f"word/{at}.xml": b" " * (80 * MEGA // parts) for at in range(parts)}
        yield Hostile("bombs.docx", partial(zipped, word_parts("") | many), "too_large_inside")
    for depth in range(1, 11):
        yield Hostile("nested.docx", partial(_nested, depth), "nested_archive")
    for magic in (b"\x1f\x8b\x08", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ", b"PK\x03\x04"):
        yield Hostile("inside.docx", partial(_with, "word/media/a.png", magic + b"x" * 99), "nested_archive")
    for entries in (1_001, 3_000, 20_000):
        many = {f"word/{at}": b"" for at in range(entries)}
        yield Hostile("many.docx", partial(zipped, word_parts("") | many), "too_many_entries")
    names = ["../x", "word/../../x", "/etc/x", "\\x", "C:\\x", "c:/x", "..\\..\\x", "word\\..\\x", "..", "a/..", "x\n"]
    for name in names:
        yield Hostile("names.docx", partial(_with, name, b"x"), "unsafe_name")
    yield Hostile("zero.docx", lambda: _with("word/aXb", b"x").replace(b"word/aXb", b"word/a\0b"), "unsafe_name")
    yield Hostile(
        "twice.docx", lambda: _with("word/documenX.xml", b"x").replace(b"documenX", b"document"), "unsafe_name"
    )
    yield Hostile("locked.docx", _locked, "encrypted")
    yield Hostile("old.docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5_000), "encrypted")
    yield Hostile("empty.docx", lambda: zipped({}), "wrong_format")
    yield Hostile("other.docx", lambda: zipped({"xl/workbook.xml": "<x/>"}), "wrong_format")
    for marks in (500, 60_000):
        yield Hostile("marks.docx", partial(_with, "word/a", b"PK\x01\x02" * marks))


def _nested(depth: int) -> bytes:
    inner = zipped({"a.txt": b"x" * 1_000})
    for _ in range(depth):
        inner = zipped({f"{at}.zip": inner for at in range(2)})
    return _with("word/inner.zip", inner)


def _locked() -> bytes:
    raw = bytearray(word(paragraph("x")))
    at = raw.index(b"PK\x01\x02")
    raw[at + 8 : at + 10] = struct.pack("<H", 1)
    return bytes(raw)


_LAUGHS = "<!DOCTYPE l [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(98 + at)} '{f'&{chr(97 + at)};' * 10}'>" for at in range(9)
)
_DECLARATIONS = (
    _LAUGHS + "]>",
    "<!DOCTYPE x [<!ENTITY j SYSTEM 'file:///etc/passwd'>]>",
    "<!DOCTYPE x [<!ENTITY j SYSTEM 'http://127.0.0.1:9/x'>]>",
    "<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'>",
    "<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]>",
)


def _xml() -> Iterator[Hostile]:
    parts = (
        "word/document.xml",
        "word/styles.xml",
        "_rels/.rels",
        "[Content_Types].xml",
        "docProps/core.xml",
        "word/i.svg",
    )
    for part in parts:
        for declared in _DECLARATIONS:
            told = f"<?xml version='1.0'?>{declared}<x>&j;</x>"
            yield Hostile("xml.docx", partial(_with, part, told), "unsafe_xml")
        yield Hostile("xml.docx", partial(_with, part, f"{_DECLARATIONS[1]}<x/>".encode("utf-16")), "unsafe_xml")
        yield Hostile("xml.docx", partial(_with, part, f"{_DECLARATIONS[1]}<x/>".encode("utf-16-be")), "unsafe_xml")
        declared = "<?xml version='1.0' encoding='utf-7'?><x/>"
        yield Hostile("xml.docx", partial(_with, part, declared), "unsafe_xml")
    for depth in (300, 5_000, 100_000):
        yield Hostile("deep.docx", partial(word, "<w:p>" * depth + "</w:p>" * depth), "")
        yield Hostile("deep.docx", partial(word, "<w:tbl><w:tr><w:tc>" * depth + "</w:tc></w:tr></w:tbl>" * depth), "")
    yield Hostile("long.docx", partial(word, paragraph("word " * 20) * 25_000), "")
    yield Hostile("wide.docx", partial(word, paragraph("a" * 2_100_000) + paragraph("b")), "")
    yield Hostile("broken.docx", partial(word, "<w:p><w:r>"), "unreadable")


def _endings() -> Iterator[Hostile]:
    samples = {"pdf": pdf([["text"]]), "docx": word(paragraph("x")), "md": b"# T\n\ntext\n"}
    for suffix in FORMATS:
        yield Hostile(f"none.{suffix}", bytes, "empty")
        yield Hostile(f"zeros.{suffix}", partial(bytes, 20 * MEGA), "")
        yield Hostile(f"text.{suffix}", partial(_repeated, b"All work and no play. ", 20 * MEGA), "")
        yield Hostile(f"huge.{suffix}", partial(bytes, 20 * MEGA + 1), "too_large")
        for kind, content in samples.items():
            if kind not in {suffix, "md"} or (suffix in {"pdf", "docx"} and kind != suffix):
                yield Hostile(f"wrong.{suffix}", partial(bytes, content), "wrong_format")
    for name in ("x.exe", "x", ".md", "x.md.exe", "../../x.php", "x.docm"):
        yield Hostile(name, lambda: b"text", "unknown_format")


def _repeated(piece: bytes, size: int) -> bytes:
    return piece * (size // len(piece))


def _texts() -> Iterator[Hostile]:
    yield Hostile("headings.md", partial(_repeated, b"# h\n", 40_000), "no_text")
    yield Hostile("headings.md", partial(_repeated, b"# h\n\nx\n\n", 800_000))
    yield Hostile("sections.txt", partial(_repeated, b"Cause\n\nx\n\n", 200_000), "too_many_sections")
    yield Hostile("headings.html", partial(_repeated, b"<h2>h</h2>x", 1_100_000), "too_many_sections")
    for mark in (
        "> ",
        "- ",
        "[",
        "![",
        "*",
        "`",
        "<",
        "<!--",
        "**a ",
        "[a](",
        "](",
        "<a b=",
        "1. ",
        "|",
        "a|b\n",
        "&lt;",
        "\t",
    ):
        for times in (5_000, 200_000):
            yield Hostile("marks.md", partial(_repeated, mark.encode(), len(mark) * times))
            yield Hostile("marks.txt", partial(_repeated, mark.encode(), len(mark) * times))
    for mark in (
        "<div>",
        "<b>",
        "<table><tr><td>",
        "<ul><li>",
        "<a href=x>",
        "<p",
        "<!--",
        "<svg>",
        "<h1>",
        "<select>",
    ):
        yield Hostile("deep.html", partial(_repeated, mark.encode(), len(mark) * 100_000))
    yield Hostile("attributes.html", lambda: b"<p " + b" ".join(b"a%d=1" % at for at in range(200_000)) + b">x")
    references = "---\na: &a [x, x]\n" + "".join(f"b{at}: &b{at} [*a, *a]\n" for at in range(20)) + "---\nx\n"
    yield Hostile("laughs.md", references.encode, "front_matter")
    for fence in ("[" * 30_000, "{a: " * 10_000, "- " * 20_000, "? " * 20_000, "a" * 70_000, "a: b: c", "\ta: b", "'"):
        yield Hostile("front.md", f"---\n{fence}\n---\ntext\n".encode, "front_matter")
    for text in (b"\xff\xfe\xfa", b"caf\xe9", b"\xc3(", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\xaf"):
        yield Hostile("latin.md", partial(bytes, b"# T\n\n" + text), "wrong_encoding")
    yield Hostile("nul.txt", lambda: b"a\0b" * 1_000, "binary")
    yield Hostile("bell.log", lambda: b"\x07\x1a\x01" * 1_000, "binary")
    yield Hostile("blank.txt", lambda: " \n\u200b\u2060\ufeff".encode() * 1_000, "no_text")
    yield Hostile("tags.md", lambda: "".join(chr(0xE0000 + at % 128) for at in range(5_000)).encode(), "no_text")


def _tables() -> Iterator[Hostile]:
    for depth in (500, 100_000, 1_000_000):
        yield Hostile("deep.json", partial(_repeated, b"[", depth))
        yield Hostile("deep.jsonl", partial(_repeated, b'{"a":', 5 * depth))
        yield Hostile("closed.json", partial(lambda n: b"[" * n + b"]" * n, depth))
    yield Hostile("lists.json", lambda: b"[" + b"[]," * 5_000_000 + b"[]]")
    yield Hostile("number.json", lambda: b'[{"title": ' + b"9" * 100_000 + b"}]")
    yield Hostile("half.json", lambda: b'[{"title": "\\ud800", "text": "\\udfff x"}]')
    yield Hostile("scalars.json", lambda: b"[1, 2]", "unreadable")
    yield Hostile(
        "fields.json", lambda: json.dumps({f"f{at}": "x" for at in range(5_000)}).encode(), "too_many_columns"
    )
    rows = b"title,text\n" + b"a,b\n" * 10_001
    yield Hostile("rows.csv", partial(bytes, rows), "too_many_documents")
    yield Hostile(
        "rows.json", lambda: json.dumps([{"title": "a", "text": "b"}] * 10_001).encode(), "too_many_documents"
    )
    yield Hostile("columns.csv", lambda: b",".join([b"c"] * MEGA) + b"\n", "too_many_columns")
    yield Hostile("wide.csv", lambda: b"title,text\n" + b"," * 5 * MEGA, "")
    yield Hostile("field.csv", lambda: b'title,text\na,"' + b"x" * 5 * MEGA + b'"\n', "too_much_text")
    yield Hostile("quotes.csv", lambda: b'title,text\n"' + b'"a' * 500_000)
    yield Hostile("open.csv", lambda: b'title,text\na,"' + b"b\n" * 500_000)
    yield Hostile("nul.csv", lambda: b"title,text\na,b\0c\n" * 200, "binary")
    yield Hostile("none.csv", lambda: b"a,b\n1,2\n", "no_columns")
    yield Hostile("ragged.csv", lambda: b"title,text\na,b,c\n", "ragged_rows")
    yield Hostile("same.csv", lambda: b"id,text\n1,a\n1,b\n", "duplicate_id")
    yield Hostile("head.csv", lambda: b"title,text\n", "no_text")


def _damaged(chance: random.Random) -> Iterator[Hostile]:
    whole = word("".join(paragraph(f"line {at}") for at in range(200)))
    for _ in range(25):
        yield Hostile("cut.docx", partial(bytes, whole[: chance.randrange(4, len(whole))]))
        yield Hostile("flipped.docx", partial(_flipped, whole, chance.randrange(1 << 30)))
    for suffix in FORMATS:
        for _ in range(2):
            yield Hostile(f"noise.{suffix}", partial(bytes, chance.randbytes(50_000)))


def _flipped(whole: bytes, seed: int) -> bytes:
    chance, raw = random.Random(seed), bytearray(whole)  # noqa: S311
    for _ in range(20):
        raw[chance.randrange(4, len(raw))] = chance.randrange(256)
    return bytes(raw)
