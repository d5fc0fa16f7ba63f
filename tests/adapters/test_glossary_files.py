"""Glossaries on disk."""

from pathlib import Path

import pytest

from app.adapters.sources.glossaries import read_glossaries
from app.errors import KnowledgeInvalid


def test_each_file_is_a_language(tmp_path: Path) -> None:
    (tmp_path / "de.tsv").write_text("Drucker\tprinter\nab und zu\tsometimes \n", encoding="utf-8")
    (tmp_path / "fr.tsv").write_bytes("écran\tscreen\r\nd'accord\t".encode())
    (tmp_path / "notes.txt").write_text("no glossary", encoding="utf-8")
    assert read_glossaries(tmp_path) == {
        "de": {"Drucker": "printer", "ab und zu": "sometimes"},
        "fr": {"écran": "screen", "d'accord": ""},
    }


def test_a_folder_that_is_not_there_holds_none(tmp_path: Path) -> None:
    assert read_glossaries(tmp_path / "nowhere") == {}


FAULTS = {
    "no tab": ("Drucker\tprinter\nMaus mouse\n", 2, "expected a phrase, a tab and its translation"),
    "no phrase": ("\tprinter\n", 1, "expected a phrase"),
    "two tabs": ("Drucker\tprinter\tdevice\n", 1, "expected a phrase"),
    "an empty line": ("Drucker\tprinter\n\nMaus\tmouse\n", 2, "expected a phrase"),
    "a phrase twice": ("Maus\tmouse\nTon\tsound\nMaus\trodent\n", 3, "'Maus' is translated twice"),
    "nothing": ("", 1, "is empty"),
    "a line that only looks like two": ("a\u2028b\tx\nMaus\n", 2, "expected a phrase"),
}


@pytest.mark.parametrize(("text", "line", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_file_and_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    (tmp_path / "de.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(KnowledgeInvalid) as caught:
        read_glossaries(tmp_path)
    assert (caught.value.path, caught.value.line) == (str(tmp_path / "de.tsv"), line)
    assert reason in caught.value.reason
