"""Files read whole: as they stand where they are text, taken apart elsewhere, never two things at once."""

import io
import json
from collections.abc import Iterator

import pytest
from file_makers import objects, paragraph, pdf, word, word_parts, zipped
from hostile_pdfs import one_page

from app.adapters.extraction import flowing, shapes
from app.adapters.extraction.extractor import ConfinedExtractor
from app.adapters.extraction.limits import Limits
from app.adapters.extraction.whole import ConfinedFileReader
from app.domain.files import FileText, Shape
from app.errors import DependencyFailed, DocumentRefused

_LINES = "".join(f"line {at}: größer\n" for at in range(30_000))


@pytest.fixture(scope="module")
def reader() -> Iterator[ConfinedFileReader]:
    extractor = ConfinedExtractor(Limits(file_bytes=5_000_000, seconds=4.0), processes=1)
    yield ConfinedFileReader(extractor)
    extractor.close()


async def _read(reader: ConfinedFileReader, name: str, content: bytes) -> FileText:
    return await reader.read(name.rpartition(".")[2], io.BytesIO(content), len(content))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
async def test_a_text_of_any_size_is_read_piece_by_piece_as_it_stands(
    reader: ConfinedFileReader, encoding: str
) -> None:
    found = await _read(reader, "a.log", _LINES.encode(encoding))
    pieces = list(found.pieces)
    assert "".join(piece.text for piece in pieces) == _LINES
    assert len(pieces) > 2
    assert max(len(piece.text) for piece in pieces) <= 256 * 1024
    shares = [piece.share for piece in pieces]
    assert (shares, shares[-1]) == (sorted(shares), 1.0)
    assert found.shape == Shape()


async def test_structured_files_tell_their_shape(reader: ConfinedFileReader) -> None:
    table = "id;text\n1;a\n2;-5\n3;- item\n\n4;===\n"
    found = await _read(reader, "a.csv", table.encode())
    assert (found.shape, "".join(piece.text for piece in found.pieces)) == (Shape(0, 4, ("id", "text")), table)
    rows = json.dumps([{"a": 1, "b": [1, 2]}] * 3)
    assert (await _read(reader, "a.json", rows.encode())).shape == Shape(0, 3, ("a", "b"))
    assert (await _read(reader, "a.json", b'{"a": 1}\n\n{"a": 2}\n')).shape == Shape(0, 2, ("a",))
    assert (await _read(reader, "a.jsonl", b"5\n6")).shape == Shape(0, 2)
    assert (await _read(reader, "a.json", b"[]")).shape == Shape()


async def test_documents_give_their_text(reader: ConfinedFileReader) -> None:
    found = await _read(reader, "a.pdf", pdf([["error 809"], ["second"]]))
    text = "".join(piece.text for piece in found.pieces)
    assert (found.shape.pages, found.encoding) == (2, "")
    assert "error 809" in text
    assert "second" in text
    found = await _read(reader, "a.docx", word(paragraph("VPN", "Heading1") + paragraph("It fails.")))
    assert "It fails." in "".join(piece.text for piece in found.pieces)
    found = await _read(reader, "a.html", b"<p>It fails.</p>")
    assert [piece.text.strip() for piece in found.pieces] == ["It fails."]


_CATALOG = b"<< /Type /Catalog /Pages 2 0 R %s >>"
_SCRIPT = b"<< /S /JavaScript /JS (app.alert(1)) >>"
_REST = one_page(b"BT /F 9 Tf (a) Tj ET")[1:]


def _acting(entry: bytes) -> bytes:
    return objects([_CATALOG % entry, *_REST])


_RELATIONSHIP = (
    "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r' "
    "Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate' "
    "Target='http://127.0.0.1:9/x.dotm' TargetMode='External'/></Relationships>"
)


def _with(name: str, part: bytes | str) -> bytes:
    return zipped(word_parts(paragraph("x")) | {name: part})


REFUSED = [
    ("a.pdf", _acting(b"/OpenAction " + _SCRIPT), "active_content"),
    ("a.pdf", _acting(b"/OpenAction << /S /J#61vaScript >>"), "active_content"),
    ("a.pdf", _acting(b"/AA << /WC << /S /URI /Next " + _SCRIPT + b" >> >>"), "active_content"),
    ("a.pdf", _acting(b"/Names << /JavaScript << /Names [(a) " + _SCRIPT + b"] >> >>"), "active_content"),
    ("a.pdf", _acting(b"/Names << /EmbeddedFiles << /Names [] >> >>"), "active_content"),
    ("a.pdf", _acting(b"/AcroForm << /Fields [<< /AA << /K " + _SCRIPT + b" >> >>] >>"), "active_content"),
    ("a.pdf", _acting(b"/AcroForm << /XFA [] >>"), "active_content"),
    ("a.pdf", _acting(b"/OpenAction << /S /Launch /F (cmd.exe) >>"), "active_content"),
    ("a.docx", _with("word/vbaProject.bin", b"x"), "active_content"),
    ("a.docx", _with("word/embeddings/oleObject1.bin", b"x"), "active_content"),
    ("a.docx", _with("word/_rels/settings.xml.rels", _RELATIONSHIP), "active_content"),
    ("a.docx", word('<w:p><w:r><w:instrText>DDEAUTO c:\\\\cmd "x"</w:instrText></w:r></w:p>'), "active_content"),
    ("a.docx", _with("word/x.xml", "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x/>"), "unsafe_xml"),
    ("a.csv", b"a,b\n1,=cmd|' /C calc'!A0\n", "unsafe_cells"),
    ("a.csv", b"a,b\n1,\"=HYPERLINK(\"\"http://x\"\")\"\n", "unsafe_cells"),
    ("a.csv", b"a,b\n@SUM(1+1),2\n", "unsafe_cells"),
    ("a.csv", b"a,b\n+cmd|x,2\n", "unsafe_cells"),
    ("a.csv", b"a," * 2_000 + b"\n", "too_many_columns"),
    ("a.csv", b'a\n"' + b"x" * 9 + b'\rb"c"\n"', ""),
    ("a.json", b"[" * 5_000 + b"]" * 5_000, "too_deep"),
    ("a.json", b'{"a":' * 150 + b"1" + b"}" * 150, "too_deep"),
    ("a.json", b"1\n" + b"[" * 5_000, "too_deep"),
    ("a.json", b'{"a": 1}\n{"a": \n', "unreadable"),
    ("a.txt", b"GIF89a = 1; alert(1)", "wrong_format"),
    ("a.txt", b"\n%PDF-1.4 text", "wrong_format"),
    ("a.txt", b"hello\n%PDF-1.4\n1 0 obj", "wrong_format"),
    ("a.txt", b"text\n" + zipped({"a": b"x"}), "wrong_format"),
    ("a.pdf", pdf([["x"]]) + zipped({"a": b"x"}), "wrong_format"),
    ("a.pdf", b"text", "wrong_format"),
    ("a.docx", pdf([["x"]]), "wrong_format"),
    ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "wrong_format"),
    ("a.log", b"MZ\x90\x00\x03" + bytes(99), "wrong_format"),
    ("a.log", b"\x01\x02\x03" * 2_000, "wrong_format"),
    ("a.log", b"x" * 300_000 + b"\0", "wrong_format"),
    ("a.log", "é".encode() * 9 + b"\xe9 x", "wrong_encoding"),
    ("a.log", b"a\x81\xff", "wrong_encoding"),
    ("a.log", b"\xff\xfea\x00\x00\xd8b\x00", "wrong_encoding"),
    ("a.log", b"\xff\xfea\x00b", "wrong_encoding"),
    ("a.log", b"", "empty"),
    ("a.exe", b"x", "unknown_format"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED)
async def test_what_is_refused_and_why(reader: ConfinedFileReader, name: str, content: bytes, reason: str) -> None:
    if not reason:
        assert (await _read(reader, name, content)).shape.records
        return
    with pytest.raises(DocumentRefused) as raised:
        await _read(reader, name, content)
    assert raised.value.reason == reason


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED)
def test_the_reading_process_judges_by_itself(name: str, content: bytes, reason: str) -> None:
    """It is not told what was found before, so that it must refuse what acts whoever asks."""
    if reason not in {"active_content", "unsafe_xml", "unsafe_cells", "too_deep", "too_many_columns", "unreadable"}:
        assert reason in {"", "wrong_format", "wrong_encoding", "empty", "unknown_format"}
        return
    with pytest.raises(DocumentRefused) as raised:
        shapes.whole(name.rpartition(".")[2], content, Limits())
    assert raised.value.reason == reason


def test_the_reading_process_tells_shapes_and_texts() -> None:
    assert shapes.whole("csv", b"a,b\n1,2\n", Limits()) == {"shape": Shape(0, 1, ("a", "b"))}
    assert shapes.whole("json", b"[[1]]", Limits()) == {"shape": Shape(0, 1)}
    assert shapes.whole("log", b"x", Limits()) == {"shape": Shape()}
    found = shapes.whole("pdf", pdf([["text"]]), Limits())
    assert (found["shape"], len(found["documents"])) == (Shape(1), 1)
    assert shapes.whole("docx", word(paragraph("x")), Limits())["shape"] == Shape()
    for content, reason in (
        (b"%PDF-1.4 x", "unreadable"),
        (pdf([["x"]]).replace(b"/Root", b"/Encrypt 9 0 R /Root"), ""),
    ):
        with pytest.raises(DocumentRefused) as raised:
            shapes.whole("pdf", content, Limits())
        assert raised.value.reason in {reason, "encrypted", "unreadable"}


async def test_letters_that_begin_other_formats_may_begin_a_text(reader: ConfinedFileReader) -> None:
    for text in (b"BM is a mark", b"MZ too", b"RIFF raff", b"PK is short", b"see %PDF- in text"):
        assert next((await _read(reader, "a.txt", text)).pieces).text == text.decode()


async def test_an_answer_without_a_shape_is_not_believed(
    reader: ConfinedFileReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.adapters.extraction.wire.request", lambda *_, **__: b'{"suffix": "html", "mapping": '
                        b'{"title": "", "text": [], "metadata": {}}, "whole": false}')  # fmt: skip
    with pytest.raises(DependencyFailed):
        await _read(reader, "a.html", b"<p>x</p>")


def test_a_byte_that_nobody_knows_is_named_wherever_it_is() -> None:
    with pytest.raises(DocumentRefused, match="byte 300001 is neither"):
        flowing.encoding_of(io.BytesIO(b"\xe9" * 300_000 + b"\x81 "))
