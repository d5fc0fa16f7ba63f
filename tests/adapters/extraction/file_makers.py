"""Files for the tests of extraction, made by hand so that each can be wrong in one way alone."""

import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence

from app.adapters.extraction import formats
from app.adapters.extraction.limits import Limits
from app.domain.extraction import ColumnMapping, Extracted

NO_MAPPING = ColumnMapping()
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def read(
    name: str, content: bytes | str, mapping: ColumnMapping = NO_MAPPING, limits: Limits | None = None
) -> tuple[Extracted, ...]:
    """Read a file in this process."""
    raw = content.encode() if isinstance(content, str) else content
    return formats.read(formats.ending(name), raw, mapping, limits or Limits())


def zipped(parts: Mapping[str, bytes | str] | Iterable[tuple[str, bytes | str]]) -> bytes:
    """Return an archive of parts, in their order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items() if isinstance(parts, Mapping) else parts:
            archive.writestr(name, part)
    return out.getvalue()


def word_parts(body: str, links: Mapping[str, str] | None = None) -> dict[str, bytes | str]:
    """Return the parts of a Word file around the XML of its body; `links` gives addresses by relationship."""
    targets = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/hyperlink" Target="{address}" TargetMode="External"/>'
        for name, address in (links or {}).items()
    )
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="H{level}"><w:name w:val="heading {level}"/></w:style>'
        for level in (1, 2, 3)
    )
    numbering = "".join(
        f'<w:abstractNum w:abstractNumId="{at}"><w:lvl w:ilvl="0"><w:numFmt w:val="{name}"/></w:lvl></w:abstractNum>'
        for at, name in enumerate(("decimal", "bullet"))
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{targets}'
        f'<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        f'<Relationship Id="n" Type="{_OFFICE}/numbering" Target="numbering.xml"/></Relationships>',
        "word/styles.xml": f"<w:styles {_WORD}>{styles}</w:styles>",
        "word/numbering.xml": f'<w:numbering {_WORD}>{numbering}<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
        '<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num></w:numbering>',
        "word/document.xml": f'<?xml version="1.0" encoding="UTF-8"?><w:document {_WORD} xmlns:r="{_OFFICE}"><w:body>'
        f"{body}</w:body></w:document>",
    }


def paragraph(text: str, style: str = "", numbering: int = 0) -> str:
    """Return a Word paragraph; `numbering` 1 numbers it, 2 puts a bullet."""
    look = f'<w:pStyle w:val="{style}"/>' if style else ""
    if numbering:
        look += f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{numbering}"/></w:numPr>'
    return f"<w:p><w:pPr>{look}</w:pPr><w:r><w:t xml:space='preserve'>{text}</w:t></w:r></w:p>"


def word(body: str, links: Mapping[str, str] | None = None) -> bytes:
    """Return a Word file."""
    return zipped(word_parts(body, links))


def objects(bodies: Sequence[bytes], trailer: bytes = b"/Root 1 0 R") -> bytes:
    """Return a PDF of numbered objects with its table of them."""
    out, places = b"%PDF-1.5\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(bodies) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        size, table, size, trailer, len(out),
    )  # fmt: skip


def stream(content: bytes, extra: bytes = b"") -> bytes:
    """Return a compressed stream."""
    packed = zlib.compress(content)
    return b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n%s\nendstream" % (len(packed), extra, packed)


def pdf(pages: Sequence[Sequence[str]], title: str = "", bookmarks: Sequence[tuple[str, int]] = ()) -> bytes:
    """Return a PDF with the lines of its pages; bookmarks are names and pages (from 0)."""
    count, marks = len(pages), len(bookmarks)
    first = 5
    kids = b" ".join(b"%d 0 R" % (first + 2 * at) for at in range(count))
    root = first + 2 * count
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % (b"/Outlines %d 0 R" % root if marks else b""),
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title (%s) >>" % title.encode(),
    ]
    for at, lines in enumerate(pages):
        shown = b" T* ".join(b"(%s) Tj" % line.encode("latin-1") for line in lines)
        look = b"/MediaBox [0 0 600 800] /Resources << /Font << /F 3 0 R >> >>"
        bodies.append(b"<< /Type /Page /Parent 2 0 R %s /Contents %d 0 R >>" % (look, first + 2 * at + 1))
        bodies.append(stream(b"BT /F 12 Tf 14 TL 50 750 Td %s ET" % shown))
    if marks:
        bodies.append(b"<< /First %d 0 R /Last %d 0 R /Count %d >>" % (root + 1, root + marks, marks))
    for at, (name, page) in enumerate(bookmarks):
        after = b"/Next %d 0 R" % (root + at + 2) if at + 1 < marks else b""
        place = b"/Dest [%d 0 R /Fit]" % (first + 2 * page)
        bodies.append(b"<< /Title (%s) /Parent %d 0 R %s %s >>" % (name.encode(), root, place, after))
    return objects(bodies, b"/Root 1 0 R /Info 4 0 R")
