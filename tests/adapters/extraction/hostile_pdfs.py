"""PDF files made to hurt whoever reads them."""

import random
import zlib
from collections.abc import Callable, Iterator
from functools import partial

from file_makers import objects, pdf, stream

Entry = tuple[str, Callable[[], bytes], str]

_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_PAGES = b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"
_PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources %s /Contents 4 0 R >>"
_FONT = b"<< /Font << /F 5 0 R >> >>"
_HELVETICA = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def hostile_pdfs(chance: random.Random) -> Iterator[Entry]:
    """Yield name, maker and the reason they are refused for, empty where they may also be taken."""
    yield from _cut(chance)
    yield from _streams()
    yield from _trees()
    yield "locked.pdf", partial(objects, [_CATALOG, _PAGES], b"/Root 1 0 R /Encrypt 9 0 R"), ""
    locked = b"<< /Filter /Standard /V 1 /R 2 /O (%s) /U (%s) /P -4 >>" % (b"o" * 32, b"u" * 32)
    trailer = b"/Root 1 0 R /Encrypt 6 0 R /ID [(a) (a)]"
    yield "locked.pdf", partial(objects, [*one_page(b"BT ET"), locked], trailer), "encrypted"
    yield "scanned.pdf", partial(pdf, [[""]] * 3), "no_text"
    yield "pages.pdf", partial(pdf, [["text"]] * 501), "too_many_pages"
    yield "long.pdf", partial(pdf, [["many words " * 40] * 40] * 130), ""


def one_page(content: bytes, resources: bytes = _FONT, font: bytes = _HELVETICA) -> list[bytes]:
    """Return the objects of a PDF of one page: catalog, pages, page, its content and its font."""
    return [_CATALOG, _PAGES, _PAGE % resources, stream(content), font]


def _cut(chance: random.Random) -> Iterator[Entry]:
    whole = pdf([[f"line {at} of page {page}" for at in range(20)] for page in range(5)], "T", [("A", 0), ("B", 3)])
    for at in range(1, 61):
        yield "cut.pdf", partial(bytes, whole[: 5 + (len(whole) - 5) * at // 61]), ""
    for _ in range(30):
        raw = bytearray(whole)
        for _ in range(chance.randrange(1, 30)):
            raw[chance.randrange(8, len(raw))] = chance.randrange(256)
        yield "flipped.pdf", partial(bytes, raw), ""
    for size in (8, 100, 100_000):
        yield "noise.pdf", partial(bytes, b"%PDF-1.4\n" + chance.randbytes(size)), "unreadable"


def _streams() -> Iterator[Entry]:
    for length in (b"0", b"-1", b"99999999999", b"4 0 R", b"(x)", b"9" * 300):
        body = b"<< /Length %s >>\nstream\nBT ET\nendstream" % length
        yield "length.pdf", partial(objects, [_CATALOG, _PAGES, _PAGE % _FONT, body, _HELVETICA]), ""
    for megas in (20, 80, 300):
        yield "bomb.pdf", partial(_bomb, megas), ""
    for filters in (b"[/FlateDecode /FlateDecode]", b"[/LZWDecode]", b"[/RunLengthDecode]", b"[/ASCII85Decode]"):
        packed = zlib.compress(zlib.compress(bytes(50_000_000)))
        body = b"<< /Length %d /Filter %s >>\nstream\n%s\nendstream" % (len(packed), filters, packed)
        yield "filters.pdf", partial(objects, [_CATALOG, _PAGES, _PAGE % _FONT, body, _HELVETICA]), ""
    runs = b"\x81a" * 1_000_000
    body = b"<< /Length %d /Filter /RunLengthDecode >>\nstream\n%s\nendstream" % (len(runs), runs)
    yield "runs.pdf", partial(objects, [_CATALOG, _PAGES, _PAGE % _FONT, body, _HELVETICA]), ""
    for columns in (b"999999999", b"-5", b"0"):
        packed = zlib.compress(b"BT ET" * 100)
        look = b"/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns %s >>" % columns
        body = b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(packed), look, packed)
        yield "predictor.pdf", partial(objects, [_CATALOG, _PAGES, _PAGE % _FONT, body, _HELVETICA]), ""
    for content in (
        b"BT /F 1 Tf (a) Tj ET " * 100_000,
        b"(" * 300_000,
        b"[" * 300_000,
        b"<<" * 300_000,
        b"q " * 300_000,
    ):
        yield "content.pdf", partial(objects, one_page(content)), ""
    for ranges in (b"1 beginbfrange <0000> <FFFFFFFF> <0041> endbfrange", b"9 beginbfchar " + b"<00> <41> " * 200_000):
        font = b"<< /Type /Font /Subtype /Type0 /BaseFont /X /ToUnicode 6 0 R >>"
        yield "map.pdf", partial(objects, [*one_page(b"BT /F 9 Tf (a) Tj ET", font=font), stream(ranges)]), ""


def _bomb(megas: int) -> bytes:
    return objects(one_page(b" " * (megas * 1_000_000)))


def _trees() -> Iterator[Entry]:
    loops = {
        "itself": [_CATALOG, b"<< /Type /Pages /Count 1 /Kids [2 0 R] >>"],
        "pair": [_CATALOG, b"<< /Type /Pages /Kids [3 0 R] >>", b"<< /Type /Pages /Kids [2 0 R] >>"],
        "many": [_CATALOG, b"<< /Type /Pages /Count 9 /Kids [%s] >>" % (b"3 0 R " * 100_000), _PAGE % b"<< >>"],
        "doubling": [
            _CATALOG,
            *(b"<< /Type /Pages /Kids [%d 0 R %d 0 R] >>" % (at, at) for at in range(3, 33)),
            b"<< /Type /Page /Parent 2 0 R >>",
        ],
        "chain": [
            _CATALOG,
            *(b"<< /Type /Pages /Kids [%d 0 R] >>" % at for at in range(3, 5_003)),
            b"<< /Type /Page /Parent 2 0 R >>",
        ],
        "reference": [_CATALOG, b"2 0 R"],
        "count": [_CATALOG, b"<< /Type /Pages /Count 99999999999 /Kids [] >>"],
        "form": [*one_page(b"/X Do " * 1_000, b"<< /XObject << /X 6 0 R >> >>"), _form()],
        "outline": [
            b"<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>", *one_page(b"BT ET")[1:],
            b"<< /First 7 0 R >>", b"<< /Title (a) /Next 7 0 R /First 6 0 R /Dest [3 0 R /Fit] >>",
        ],
        "nested": [_CATALOG, b"<< /Type /Pages /Kids " + b"[" * 100_000 + b" >>"],
        "dictionaries": [b"<< /A " * 50_000],
    }  # fmt: skip
    for name, bodies in loops.items():
        yield f"{name}.pdf", partial(objects, bodies), ""
    whole = pdf([["text"]])
    at = whole.rindex(b"startxref")
    yield "previous.pdf", partial(bytes, whole.replace(b"/Size", b"/Prev %d /Size" % whole.index(b"xref\n0"))), ""
    yield "start.pdf", partial(bytes, whole[:at] + b"startxref\n99999999999\n%%EOF"), ""
    yield "sizes.pdf", partial(bytes, whole.replace(b"xref\n0 7", b"xref\n0 99999999")), ""
    yield "catalog.pdf", partial(objects, [b"<< /Type /Catalog >>"]), ""


def _form() -> bytes:
    return stream(b"/X Do " * 1_000, b"/Type /XObject /Subtype /Form /Resources << /XObject << /X 6 0 R >> >>")
