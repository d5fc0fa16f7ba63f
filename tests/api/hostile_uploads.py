"""Three hundred uploads made to hurt, the same for the same seed: hostile contents, and hostile names of good ones."""

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

MEGA = 1_000_000
GOOD = b"2026-11-21 09:30:00 INFO all is well\n"
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_NAMES = [
    "../{}", "..\\{}", "/etc/{}", "c:{}", "{}:x.log", "..%2f{}", "%2e%2e%5c{}", "{}%00.log",
    "a\u202e{}", "a\u200b{}", "\u2066{}", "\ufeff{}", "con.{}", "nul.x.{}", "LPT1.{}", "com9.{}", " {}", "{} ", "{}.",
    "<{}>", "a|{}", "\uff0e\uff0e\uff0f{}", "a\u2044{}", "\x1b[31m{}", "a\x07{}", "{}\u2028.log", "....//{}",
    "~/../{}", "file:///{}", "*{}",
]  # fmt: skip
_KINDS = ("log", "txt", "csv", "json", "md")


class Hostile(NamedTuple):
    """An upload, made when it is needed."""

    name: str
    make: Callable[[], bytes]


def hostile_uploads(seed: int) -> list[Hostile]:
    """Return 300 of them, shuffled so that any slice holds all sorts."""
    chance = random.Random(seed)  # noqa: S311
    found = [*_names(), *_archives(), *_xml(), *_pdfs(), *_texts(chance), *_tables(), *_others(chance)]
    chance.shuffle(found)
    return found[:300]


def _names() -> Iterator[Hostile]:
    for at, name in enumerate(_NAMES):
        for kind in (_KINDS[at % 5], _KINDS[(at + 2) % 5]):
            yield Hostile(name.format(f"a.{kind}"), partial(bytes, GOOD))
    for length in (256, 1_000, 4_096):
        yield Hostile("a" * length + ".log", partial(bytes, GOOD))
    for ending in ("exe", "php", "docm", "svg", "zip", "", "log.exe", "lnk"):
        yield Hostile(f"a.{ending}", partial(bytes, GOOD))


def _zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def _document(body: str = "", more: dict[str, bytes] | None = None) -> bytes:
    whole = f"<w:document {_WORD}><w:body>{body}</w:body></w:document>".encode()
    return _zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": whole} | (more or {}))


def _archives() -> Iterator[Hostile]:
    for megas in (2, 10, 40, 120):
        for fill in (b"\0", b" "):
            yield Hostile(
                "bomb.docx", partial(lambda n, f: _document(more={"word/x.xml": f * (n * MEGA)}), megas, fill)
            )
    for entries in (1_001, 5_000):
        yield Hostile("many.docx", partial(lambda n: _document(more={f"word/{at}": b"" for at in range(n)}), entries))
    for name in ("../x", "/etc/x", "C:\\x", "word/../../x", "word\\..\\x"):
        yield Hostile("names.docx", partial(lambda n: _document(more={n: b"x"}), name))
    for mark in (b"PK\x03\x04", b"\x1f\x8b\x08", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"):
        yield Hostile("nested.docx", partial(lambda m: _document(more={"word/media/a": m + b"x" * 99}), mark))
    for part in ("word/vbaProject.bin", "word/embeddings/o.bin", "word/activeX/a.xml"):
        yield Hostile("acting.docx", partial(lambda p: _document(more={p: b"x"}), part))
    yield Hostile("none.docx", lambda: _zipped({"xl/workbook.xml": b"<x/>"}))
    yield Hostile("old.docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5_000))
    whole = _document("<w:p/>" * 50)
    for at in range(4, len(whole) - 22, len(whole) // 12):
        yield Hostile("cut.docx", partial(bytes, whole[:at]))


def _xml() -> Iterator[Hostile]:
    laughs = "<!DOCTYPE l [<!ENTITY a 'ha'>" + "".join(
        f"<!ENTITY {chr(98 + at)} '{f'&{chr(97 + at)};' * 10}'>" for at in range(9)
    )
    declared = (
        f"{laughs}]><x>&j;</x>",
        "<!DOCTYPE x [<!ENTITY j SYSTEM 'file:///etc/passwd'>]><x>&j;</x>",
        "<!DOCTYPE x [<!ENTITY j SYSTEM 'http://127.0.0.1:9/x'>]><x>&j;</x>",
        "<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'><x/>",
        "<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]><x/>",
    )
    for part in ("word/document.xml", "word/styles.xml", "_rels/.rels", "docProps/core.xml", "word/i.svg"):
        for text in declared:
            yield Hostile("xml.docx", partial(lambda p, t: _document(more={p: t.encode()}), part, text))
        yield Hostile("xml.docx", partial(lambda p: _document(more={p: declared[1].encode("utf-16")}), part))
    for fetched in ("attachedTemplate", "oleObject", "frame"):
        told = f"<x><Relationship Type='http://x/{fetched}' Target='http://127.0.0.1:9' TargetMode='External'/></x>"
        yield Hostile("fetch.docx", partial(lambda t: _document(more={"word/_rels/a.xml.rels": t.encode()}), told))


def _pdf(bodies: list[bytes]) -> bytes:
    out, places = b"%PDF-1.5\n", []
    for at, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (at, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    return (
        out
        + head
        + table
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, len(out))
    )


def _page(entry: bytes = b"", content: bytes = b"BT /F 9 Tf (a) Tj ET", more: bytes = b"") -> bytes:
    packed = zlib.compress(content)
    return _pdf([
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % entry,
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << /Font << /F 5 0 R >> >> /Contents 4 0 R "
        + more + b" >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ])  # fmt: skip


def _pdfs() -> Iterator[Hostile]:
    script = b"<< /S /JavaScript /JS (app.alert(1)) >>"
    for entry in (
        b"/OpenAction " + script, b"/OpenAction << /S /J#61vaScript >>", b"/AA << /WC " + script + b" >>",
        b"/Names << /JavaScript << /Names [(a) " + script + b"] >> >>", b"/OpenAction << /S /Launch /F (cmd) >>",
        b"/Names << /EmbeddedFiles << /Names [] >> >>", b"/AcroForm << /XFA [] >>",
        b"/OpenAction << /S /URI /Next " + script + b" >>",
        b"/OpenAction << /S /SubmitForm /F (http://127.0.0.1:9) >>",
        b"/AcroForm << /Fields [<< /A " + script + b" >>] >>",
    ):  # fmt: skip
        yield Hostile("acting.pdf", partial(_page, entry))
        yield Hostile(
            "acting.pdf", partial(_page, more=b"/Annots [<< /A " + script + b" >>]" + b" " * (len(entry) % 7))
        )
    for megas in (100, 300):
        yield Hostile("bomb.pdf", partial(_page, content=b" " * (megas * MEGA)))
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    for kids in (b"[2 0 R]", b"[]", b"[" * 50_000):
        yield Hostile("loop.pdf", partial(_pdf, [catalog, b"<< /Type /Pages /Count 1 /Kids %s >>" % kids]))
    doubling = [b"<< /Type /Pages /Kids [%d 0 R %d 0 R] >>" % (at, at) for at in range(3, 33)]
    yield Hostile("doubling.pdf", partial(_pdf, [catalog, *doubling, b"<< /Type /Page /Parent 2 0 R >>"]))
    for at in range(12):
        yield Hostile("noise.pdf", partial(lambda n: b"%PDF-1.4\n" + random.Random(n).randbytes(5_000), at))  # noqa: S311


def _texts(chance: random.Random) -> Iterator[Hostile]:
    for kind in _KINDS:
        yield Hostile(f"nul.{kind}", lambda: GOOD * 100 + b"\0" + GOOD)
        yield Hostile(f"controls.{kind}", lambda: bytes(range(1, 9)) * 500)
        yield Hostile(f"noise.{kind}", partial(bytes, chance.randbytes(50_000)))
        yield Hostile(f"zeros.{kind}", partial(bytes, 10 * MEGA))
        yield Hostile(f"large.{kind}", lambda: GOOD * 400_000)
        yield Hostile(f"empty.{kind}", bytes)
        yield Hostile(f"mixed.{kind}", lambda: "größe\n".encode() * 9 + "größe\n".encode("latin-1"))
        yield Hostile(f"half.{kind}", lambda: "text".encode("utf-16") + b"\x00\xd8a\x00")
        yield Hostile(f"odd.{kind}", lambda: "text".encode("utf-16") + b"x")
        yield Hostile(f"unknown.{kind}", lambda: b"a\x81\x8d\xff" * 20)
    for kind in ("log", "txt", "md", "json"):
        yield Hostile(f"blank.{kind}", lambda: b" \n\t\n" * 500)


def _tables() -> Iterator[Hostile]:
    for depth in (200, 5_000, 100_000, 1_000_000):
        for mark in (b"[", b'{"a":'):
            yield Hostile("deep.json", partial(lambda m, n: m * n, mark, depth))
        yield Hostile("closed.json", partial(lambda n: b"[" * n + b"]" * n, depth))
    for text in (b'{"a": ', b"{a: 1}", b"'a'", b"[1,]", b"9" * 100_000, b'{"a": "\x01"}', b"<x/>", b"nothing"):
        yield Hostile("broken.json", partial(bytes, text))
    yield Hostile("lists.json", lambda: b"[" + b"[]," * 3_500_000)
    yield Hostile("keys.json", lambda: json.dumps({f"k{at}": at for at in range(100_000)}).encode()[:-1])
    calls = (
        '=HYPERLINK(""http://x"")',
        "=cmd|' /C calc'!A0",
        "=1+1",
        "@SUM(1)",
        "+cmd|x",
        "-cmd|x",
        " =1",
        "'=1",
        "+SUM(1)",
    )
    for cell in calls:
        yield Hostile("formula.csv", partial(lambda c: f'id,text\n1,ok\n2,"{c}"\n'.encode(), cell))
    yield Hostile("wide.csv", lambda: b"a," * 500_000)
    yield Hostile("marks.csv", lambda: b'a,b\n1,"x\r\n' + b'=1",2\n=2,3\n')


def _others(chance: random.Random) -> Iterator[Hostile]:
    marks = (
        b"\x7fELF\x02", b"MZ\x90\x00\x03", b"\x89PNG\r\n\x1a\n\0", b"GIF89a", b"\xff\xd8\xff\xe0\0",
        b"SQLite format 3\0",
        b"\x80\x04\x95", b"%PDF-1.4\n", b"PK\x03\x04", b"\x1f\x8b\x08", b"{\\rtf1", b"%!PS", b"ElfFile\0", b"regf\0",
        b"RIFF\0\0\0\0WAVE",
    )  # fmt: skip
    for at, mark in enumerate(marks):
        yield Hostile(f"other.{('log', 'txt', 'md')[at % 3]}", partial(bytes, mark + GOOD * 3))
        yield Hostile(f"other.{('pdf', 'docx')[at % 2]}", partial(bytes, b"x" + mark + chance.randbytes(99)))
    archive = _zipped({"a.html": b"<script>x</script>"})
    for kind in (*_KINDS, "pdf"):
        head = _page() if kind == "pdf" else GOOD
        yield Hostile(f"two.{kind}", partial(bytes, head + archive))
        yield Hostile(f"two.{kind}", partial(bytes, b"x\n" + _page()))
    yield Hostile("two.docx", lambda: b"PK\x03\x04" + struct.pack("<I", 1) + b"\n%PDF-1.4\n" + _document())
