"""Cuts documents into passages, and says what of a passage is embedded.

Passages follow the author's headings and paragraphs and stay near `TARGET_CHARS`; the title is put in front of every
passage when it is embedded, which measured better than passages alone. The names people give a problem (aliases)
become passages of their own: a short question is nearest to a short text.
"""

import re
from collections.abc import Iterator

from app.domain.knowledge import Document, Passage, PassageKind, Section, SectionKind

RULES = "1"
"""Names the rules below; part of a release's source digest, so that a change of them rebuilds the index."""

TARGET_CHARS = 700
"""All-MiniLM reads 256 word pieces; 700 characters and a title stay within."""

_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def cut(document: Document) -> tuple[Passage, ...]:
    """Return a document's passages in the order of its text, aliases last."""
    pieces = [*_section_pieces(document), *_alias_pieces(document)]
    return tuple(
        Passage(f"{document.id}#{position}", document.id, position, kind, heading, text, language)
        for position, (kind, heading, text, language) in enumerate(pieces)
    )


_Piece = tuple[PassageKind, str, str, str]


def _section_pieces(document: Document) -> Iterator[_Piece]:
    for section in document.sections:
        kind = PassageKind(section.kind.value)
        for text in _split(section):
            yield kind, section.heading, text, document.language


def _alias_pieces(document: Document) -> Iterator[_Piece]:
    if document.title and document.aliases:
        yield PassageKind.ALIAS, "", document.title, document.language
    for language, names in document.aliases.items():
        for name in names:
            yield PassageKind.ALIAS, "", name, language


def _split(section: Section) -> list[str]:
    """Cut a section at its paragraphs; a list of steps is cut between steps only."""
    if section.kind is SectionKind.STEPS:
        return pack(section.text.split("\n"), "\n")
    return pack([part for block in _PARAGRAPH.split(section.text) for part in _short(block)], "\n\n")


def _short(block: str) -> list[str]:
    """Cut a paragraph that is too long by itself: at sentence ends, else at white space, else anywhere."""
    if len(block) <= TARGET_CHARS:
        return [block]
    pieces: list[str] = []
    for sentence in pack(_SENTENCE_END.split(block), " "):
        while len(sentence) > TARGET_CHARS:
            at = max(sentence.rfind(space, 1, TARGET_CHARS) for space in " \n")
            at = at if at > 0 else TARGET_CHARS
            pieces.append(sentence[:at])
            sentence = sentence[at:].lstrip()  # noqa: PLW2901 - the rest is what is cut next
        pieces.append(sentence)
    return pieces


def pack(parts: list[str], joint: str) -> list[str]:
    """Join consecutive parts as long as they stay within `TARGET_CHARS`; empty parts are dropped."""
    packed: list[str] = []
    for part in (part.strip() for part in parts):
        if not part:
            continue
        if packed and len(packed[-1]) + len(joint) + len(part) <= TARGET_CHARS:
            packed[-1] += joint + part
        else:
            packed.append(part)
    return packed
