"""Cutting documents into passages: nothing lost, nothing too long."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.knowledge import Document, DocumentKind, PassageKind, Section, SectionKind
from app.services.knowledge.passages import TARGET_CHARS, cut, pack
from tests.builders import document

WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
LONG_WORDS = st.integers(1, 2000).map(lambda length: "x" * length)
JOINTS = st.sampled_from([" ", ". ", "\n", "\n\n", "! ", "\t", "?\n", "\r", "\u2028", "\n \n"])
TEXTS = st.lists(st.tuples(WORDS | LONG_WORDS, JOINTS), min_size=1, max_size=120).map(
    lambda parts: "".join(word + joint for word, joint in parts)
)


def section(text: str, kind: SectionKind = SectionKind.BODY) -> Document:
    return Document("d", DocumentKind.ARTICLE, "Title", (Section("H", kind, text),))


def letters(text: str) -> str:
    """Return a text without its white space."""
    return re.sub(r"\s", "", text)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(TEXTS)
def test_all_text_of_a_section_is_in_its_passages_and_none_is_too_long(text: str) -> None:
    passages = cut(section(text))
    assert letters("".join(passage.text for passage in passages)) == letters(text)
    assert all(0 < len(passage.text) <= TARGET_CHARS for passage in passages)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.lists((WORDS | LONG_WORDS).map(lambda word: re.sub(r"\s", "", word) or "x"), min_size=1, max_size=40))
def test_steps_are_cut_between_steps_only(texts: list[str]) -> None:
    lines = [f"{number}. {text}" for number, text in enumerate(texts, 1)]
    passages = cut(section("\n".join(lines), SectionKind.STEPS))
    assert [line for passage in passages for line in passage.text.split("\n")] == lines
    longest = max(map(len, lines))
    assert all(len(passage.text) <= max(TARGET_CHARS, longest) for passage in passages)
    assert all(len(passage.text) <= TARGET_CHARS or "\n" not in passage.text for passage in passages)


def test_a_step_with_a_character_that_ends_lines_elsewhere_stays_whole() -> None:
    (passage,) = cut(section("1. Type a\u2028b\x0cc.\n2. Press Enter.", SectionKind.STEPS))
    assert passage.text == "1. Type a\u2028b\x0cc.\n2. Press Enter."


def test_short_paragraphs_share_a_passage_and_long_ones_do_not() -> None:
    short, long = "Short. " * 3, "Long words here. " * 40
    texts = [passage.text for passage in cut(section(f"{short}\n\n{short}\n\n{long}\n\n{short}"))]
    assert texts == [f"{short.strip()}\n\n{short.strip()}", long.strip(), short.strip()]


def test_a_paragraph_too_long_is_cut_at_sentence_ends() -> None:
    sentence = "Open the settings and look for the network page. "
    first, second = (passage.text for passage in cut(section(sentence * 20)))
    assert first.endswith("page.")
    assert second.startswith("Open the")
    assert len(first) + len(sentence) > TARGET_CHARS


@pytest.mark.parametrize("space", [" ", "\n"])
def test_a_text_without_sentences_is_cut_at_white_space(space: str) -> None:
    listing = space.join(f"setting_{number}=value" for number in range(100))
    passages = cut(section(listing))
    assert len(passages) > 2
    assert [line for passage in passages for line in passage.text.split()] == listing.split()


def test_a_word_too_long_is_cut_anywhere() -> None:
    assert [len(passage.text) for passage in cut(section("x" * 1500))] == [700, 700, 100]


def test_passages_follow_the_text_and_names_come_last() -> None:
    found = cut(
        document(
            "vpn",
            "First.",
            title="VPN",
            language="de",
            steps=("Do it.",),
            aliases={"en": ("no vpn",), "de": ("kein VPN", "VPN weg")},
        )
    )
    assert [(item.id, item.position, item.kind, item.text, item.language) for item in found] == [
        ("vpn#0", 0, PassageKind.BODY, "First.", "de"),
        ("vpn#1", 1, PassageKind.STEPS, "1. Do it.", "de"),
        ("vpn#2", 2, PassageKind.ALIAS, "VPN", "de"),
        ("vpn#3", 3, PassageKind.ALIAS, "no vpn", "en"),
        ("vpn#4", 4, PassageKind.ALIAS, "kein VPN", "de"),
        ("vpn#5", 5, PassageKind.ALIAS, "VPN weg", "de"),
    ]
    assert [item.heading for item in found[:3]] == ["", "Steps", ""]


def test_a_title_is_a_name_only_beside_other_names() -> None:
    assert [item.kind for item in cut(document("a", "Text.", title="Title"))] == [PassageKind.BODY]
    names = cut(document("a", "Text.", aliases={"en": ("other",)}))
    assert [item.text for item in names] == ["Text.", "other"]


def test_a_document_without_text_has_no_passages() -> None:
    assert cut(document("a", " \n\n ")) == ()


def test_packing_drops_what_is_empty() -> None:
    assert pack(["a ", "", "  ", "b"], "\n") == ["a\nb"]
