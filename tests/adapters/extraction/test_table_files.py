"""CSV, JSON and JSON lines: a document a row."""

import json

import pytest
from file_makers import read

from app.adapters.extraction.limits import Limits
from app.domain.extraction import ColumnMapping
from app.domain.knowledge import SectionKind
from app.errors import DocumentRefused

_ROWS = [
    ["Ticket ID", "Subject", "Description", "Root cause", "Resolution", "Language", "Category", "Product", "Aliases"],
    [
        "7",
        "No VPN",
        "It\nfails",
        "Old, very old",
        "1. Update\n2. Restart",
        "de-DE",
        "vpn",
        "AnyConnect; Windows",
        "a|b",
    ],
    ["", "", "", "", "", "", "", "", ""],
    ["", "", "<p>Only <b>text</b></p>", "", "", "", "", "", ""],
    ["9", "Only a title", "", "", "", "", "", "", ""],
]


def _csv(separator: str) -> str:
    return "".join(separator.join(f'"{cell}"' for cell in row) + "\r\n" for row in _ROWS)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_usual_columns_are_found_in_any_dialect(separator: str, encoding: str) -> None:
    first, second, third = read("a.csv", _csv(separator).encode(encoding))
    assert (first.key, first.title, first.language, first.aliases) == ("7", "No VPN", "de", {"de": ("a", "b")})
    assert first.metadata == {"category": "vpn", "apps": ("AnyConnect", "Windows")}
    assert [(part.heading, part.kind) for part in first.sections] == [
        ("Description", SectionKind.BODY),
        ("Root cause", SectionKind.CAUSE),
        ("Resolution", SectionKind.STEPS),
    ]
    assert [step.text for step in first.sections[2].steps] == ["Update", "Restart"]
    assert (second.key, second.title, second.sections[0].text) == ("2", "Only text", "Only text")
    assert (third.key, third.sections[0].text) == ("9", "Only a title")


def test_a_mapping_names_columns() -> None:
    mapping = ColumnMapping("Titel", ("Fehler", "Hilfe"), {"team": "Gruppe", "id": "Nr", "language": "S"})
    (found,) = read("a.csv", "sep=;\nNr;Titel;Fehler;Hilfe;Gruppe;S;Weg\n5;T;f;h;g;fr;w\n", mapping)
    assert (found.key, found.title, found.language, found.metadata) == ("5", "T", "fr", {"team": "g"})
    assert [(part.heading, part.text) for part in found.sections] == [("Fehler", "f"), ("Hilfe", "h")]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.csv", "a,b\n1,2\n", "no_columns"),
        ("a.csv", "title,text\n", "no_text"),
        ("a.csv", "title,text\na,b,c\n", "ragged_rows"),
        ("a.csv", "id,text\n1,a\n1,b\n", "duplicate_id"),
        ("a.csv", ",".join(["c"] * 11) + "\n", "too_many_columns"),
        ("a.csv", "title,text\n" + "a,b\n" * 6, "too_many_documents"),
        ("a.csv", "title,text\na," + "b" * 999, "too_much_text"),
        ("a.json", json.dumps([{"text": "a"}] * 6), "too_many_documents"),
        ("a.json", json.dumps({f"t{at}": "a" for at in range(11)}), "too_many_columns"),
        ("a.json", "[1]", "unreadable"),
        ("a.json", '{"text": ', "unreadable"),
        ("a.json", "[" * 4_000, "too_deep"),
        ("a.jsonl", '{"text": "a"}\n' + "[" * 4_000, "too_deep"),
        ("a.jsonl", '{"text": "a"}\n{', "unreadable"),
        ("a.json", "[]", "no_columns"),
        ("a.txt", "Cause\n\na\n\n" * 6, "too_many_sections"),
        ("a.txt", "a" * 999, "too_much_text"),
    ],
)
def test_what_cannot_be_taken_is_named(name: str, text: str, reason: str) -> None:
    small = Limits(file_bytes=5_000, text_bytes=500, documents=5, sections=5, columns=10)
    with pytest.raises(DocumentRefused) as refused:
        read(name, text, limits=small)
    assert refused.value.reason == reason


def test_a_column_that_is_missing_is_named_by_number_not_by_name() -> None:
    with pytest.raises(DocumentRefused, match="1 of the columns") as refused:
        read("a.csv", "title,text\na,b\n", ColumnMapping("secret", ("text",)))
    assert refused.value.reason == "no_such_column"


def test_objects_lists_lines_and_wrapped_lists_are_the_same() -> None:
    rows = [{"title": "a", "text": "b"}, {"title": "c", "text": "d", "n": None}]
    lines = "\n".join(map(json.dumps, rows))
    found = read("a.json", json.dumps(rows))
    assert [entry.title for entry in found] == ["a", "c"]
    assert found == read("a.jsonl", lines) == read("a.json", lines) == read("a.json", json.dumps({"tickets": rows}))
    assert read("a.json", json.dumps(rows[0])) == found[:1]


def test_fields_inside_objects_and_lists_are_reached() -> None:
    value = {"key": 4, "fields": {"summary": "S", "description": "D", "labels": ["x", 2, None]}, "tags": ["t"]}
    (plain,) = read("a.json", json.dumps({"id": 4, "title": True, "text": ["a", "b"], "tags": ["t"]}))
    assert (plain.key, plain.title, plain.sections[0].text, plain.metadata) == ("4", "true", "a\nb", {"tags": ("t",)})
    mapping = ColumnMapping("fields.summary", ("fields.description",), {"labels": "fields.labels"})
    (found,) = read("a.json", json.dumps(value), mapping)
    assert (found.title, found.sections[0].text, found.metadata) == ("S", "D", {"labels": ("x", "2")})


def test_halves_of_characters_and_hidden_ones_do_not_pass() -> None:
    (found,) = read("a.json", '[{"title": "a\\ud800\\u200b", "text": "\\udfffx"}]')
    assert (found.title, found.sections[0].text) == ("a", "x")
