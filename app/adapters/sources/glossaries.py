"""Glossaries: one `<language>.tsv` per language, lines of `phrase<TAB>english`."""

from collections.abc import Mapping
from pathlib import Path

from app.adapters.sources.reading import text_of
from app.errors import KnowledgeInvalid


def read_glossaries(folder: Path) -> Mapping[str, Mapping[str, str]]:
    """Return phrase to English for each language; a folder that is not there holds none.

    Raises KnowledgeInvalid for a line that is not a phrase, a tab and its translation.
    """
    files = sorted(folder.glob("*.tsv")) if folder.is_dir() else []
    return {path.stem: _read(path) for path in files}


def _read(path: Path) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for line, text in enumerate(text_of(path).removesuffix("\n").split("\n"), 1):
        phrase, tab, english = text.partition("\t")
        if not tab or not phrase.strip() or "\t" in english:
            raise KnowledgeInvalid(path, line, "expected a phrase, a tab and its translation")
        if phrase in found:
            raise KnowledgeInvalid(path, line, f"'{phrase}' is translated twice")
        found[phrase] = english.strip()
    return found
