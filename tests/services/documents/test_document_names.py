"""Names and mappings, whatever people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.extraction import ColumnMapping
from app.errors import InvalidInput
from app.services.documents.mappings import parse_mapping
from app.services.documents.names import display_name, ending, media_type

any_text = st.text(st.characters(exclude_categories=()), max_size=400)


@given(any_text)
def test_any_name_can_be_shown(text: str) -> None:
    shown = display_name(text)
    assert 1 <= len(shown) <= 255
    assert shown.isprintable()
    assert not {"/", "\\", "\0"} & set(shown)
    assert shown not in {".", ".."}
    assert display_name(shown) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("../../a.md", "a.md"),
        ("C:\\x\\a.md", "a.md"), ("a\0.md", "a.md"), ("\u202egpj.md", "gpj.md"),
        ("..", "unnamed"), ("", "unnamed"), ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        (" ä.md ", "ä.md"), ("a/", "unnamed"),
    ],
)  # fmt: skip
def test_names_are_cut_to_what_can_be_shown(given_name: str, shown: str) -> None:
    assert display_name(given_name) == shown


def test_endings_and_types() -> None:
    assert [ending(name) for name in ("a.MD", "a", "a.tar.gz", ".md", "a.", "a.x y")] == ["md", "", "gz", "md", "", ""]
    assert (media_type("a.md"), media_type("a.bin")) == ("text/markdown", "application/octet-stream")


@given(st.text(max_size=60))
def test_any_mapping_is_read_or_refused(text: str) -> None:
    try:
        found = parse_mapping(text)
    except InvalidInput:
        return
    assert all((found.title or found.text or found.metadata, *found.text)) or not text.replace(",", "").strip()


def test_a_mapping_is_read() -> None:
    found = parse_mapping(" title=Subject, text=Body + Notes,metadata.category=Area,")
    assert found == ColumnMapping("Subject", ("Body", "Notes"), {"category": "Area"})
    assert parse_mapping("") == ColumnMapping()


@pytest.mark.parametrize("text", ["x", "=", "title=", "=a", "title=a,title=b", "colour=a", "a" * 2001, "title=\0"])
def test_a_mapping_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_mapping(text)
