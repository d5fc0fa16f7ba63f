"""Imported documents: written whole, read back as they were, and refused by file and line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.adapters.sources.imported import ImportedFolder
from app.domain.knowledge import Document, DocumentKind, Section, SectionKind
from app.errors import KnowledgeInvalid

DOCUMENT = Document(
    id="legacy-0a1b",
    kind=DocumentKind.TICKET,
    title="Größe\u2028falsch",
    sections=(Section("Problem", SectionKind.SYMPTOM, "Zwei\nZeilen\x85x"), Section("Answer", SectionKind.BODY, "Ja.")),
    language="de",
    aliases={"de": ("falsche Größe",)},
    metadata={"category": "vpn"},
)


def test_what_is_added_is_read_back(tmp_path: Path) -> None:
    folder = ImportedFolder(tmp_path / "imported")
    assert list(folder.documents()) == []
    before = folder.fingerprint()
    other = replace(DOCUMENT, id="legacy-2")
    path = folder.add([DOCUMENT, other])
    assert list(folder.documents()) == [DOCUMENT, other]
    assert [document.origin.line for document in folder.documents()] == [1, 2]
    assert folder.fingerprint() != before
    assert folder.add([DOCUMENT, other]) == path
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".1-draft.legacy-0.jsonl").write_text("{", "utf-8")
    assert list(ImportedFolder(tmp_path).documents()) == []


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"id": "Not An Id"}, "pattern"),
    ({"kind": "article"}, "no article"),
    ({"kind": "x"}, "kind"),
    ({"language": "xx"}, "language: expected one of"),
    ({"title": "x" * 301}, "title: more than 300"),
    ({"title": " "}, "must hold text"),
    ({"sections": []}, "must hold text"),
    ({"title": "a\0b"}, "NUL"),
    ({"title": 3}, "title"),
]


@pytest.mark.parametrize(("change", "reason"), BROKEN)
def test_a_broken_line_is_named(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    folder = ImportedFolder(tmp_path)
    path = folder.add([DOCUMENT])
    row = json.loads(path.read_text("utf-8"))
    path.write_text(path.read_text("utf-8") + json.dumps({**row, **change}) + "\n", "utf-8")
    with pytest.raises(KnowledgeInvalid, match=reason) as caught:
        list(folder.documents())
    assert (caught.value.path, caught.value.line) == (str(path), 2)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{\n", "utf-8")
    with pytest.raises(KnowledgeInvalid, match=r"a\.jsonl:1: document: "):
        list(ImportedFolder(tmp_path).documents())
