"""The words of a search, and the piece of a message that shows where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.stores.excerpts import MOST_WORDS, SNIPPET, Word, excerpt, fold, words_of


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("vpn", [("vpn", True)]),
        ("VPN vpn  Vpn", [("VPN", True)]),
        ("my printer", [("my", False), ("printer", True)]),
        ("printer ", [("printer", False)]),
        ("printer!", [("printer!", False)]),
        ("pc", [("pc", False)]),
        ("to pc", [("to", False), ("pc", False)]),
        ("e-mail 0x80070005", [("e-mail", False), ("0x80070005", True)]),
        ("a\0b\x1fc", [("a", False), ("b", False), ("c", False)]),
        ("! - ** 🙂 _", []),
        ("", []),
    ],
)
def test_a_query_is_words(query: str, words: list[tuple[str, bool]]) -> None:
    assert [(word.text, word.begins) for word in words_of(query)] == words


def test_so_many_words_count() -> None:
    words = words_of(" ".join(f"word{number}" for number in range(100)))
    assert [word.text for word in words] == [f"word{number}" for number in range(MOST_WORDS)]


@pytest.mark.parametrize(
    ("one", "other"), [("Über", "uber"), ("STRASSE", "straße"), ("é", "e\u0301"), ("Łódź", "łodz"), ("漢字", "漢字")]
)
def test_case_and_marks_do_not_matter(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("mail", "e-mail and mailbox", ["mail", "mailbox"]),
        ("mail ", "e-mail and mailbox", ["mail"]),
        ("e-mail", "an E Mail, an e-mailbox", ["E", "Mail", "e", "mailbox"]),
        ("UBER koln", "Über Köln hinaus, Kölner auch", ["Über", "Köln", "Kölner"]),
        ("error_809", "ERROR 809", ["ERROR", "809"]),
        ("nothing", "of this", []),
    ],
)
def test_marks_are_where_the_words_stand(query: str, text: str, found: list[str]) -> None:
    snippet, marks = excerpt(text, words_of(query))
    assert snippet == text
    assert [snippet[start:end] for start, end in marks] == found


@pytest.mark.parametrize(
    ("word", "text", "says"),
    [
        (Word("mail"), "the mailbox", False),
        (Word("mail", begins=True), "the mailbox", True),
        (Word("box", begins=True), "the mailbox", False),
        (Word("e-mail"), "an e_mail", True),
        (Word("a.c"), "abc", False),
        (Word("Köln"), "nach koln!", True),
    ],
)
def test_a_pattern_finds_whole_words(word: Word, text: str, says: bool) -> None:
    assert bool(word.pattern.search(fold(text))) == says


def test_a_long_text_is_cut_between_words_around_those_that_were_found() -> None:
    text = "before " * 100 + "the\ncertificate\texpired " + "after " * 100
    snippet, marks = excerpt(text, words_of("certificate expired"))
    assert [snippet[start:end] for start, end in marks] == ["certificate", "expired"]
    assert snippet.startswith("…before ")
    assert snippet.endswith(" after…")
    assert "the certificate expired after" in snippet
    assert SNIPPET - 20 < len(snippet) <= SNIPPET


def test_the_piece_with_most_different_words_is_shown() -> None:
    text = "vpn vpn vpn " + "filler " * 60 + "the vpn certificate of the tunnel " + "filler " * 60 + "tunnel"
    snippet, marks = excerpt(text, words_of("vpn certificate tunnel"))
    assert "the vpn certificate of the tunnel" in snippet
    assert len(marks) == 3


def test_a_word_longer_than_the_snippet_is_cut() -> None:
    snippet, _ = excerpt("x" * 10_000, words_of("x" * 300))
    assert snippet == "x" * (SNIPPET - 2) + "…"


@given(text=st.text(max_size=600), query=st.text(max_size=40), repeat=st.integers(1, 30))
def test_whatever_is_said_a_snippet_is_short_plain_and_marked_rightly(text: str, query: str, repeat: int) -> None:
    words = words_of(f"{query} {text[5:15]}")
    snippet, marks = excerpt(text * repeat, words)
    assert len(snippet) <= SNIPPET
    assert not any(one < " " for one in snippet)
    ends = [0, *(at for mark in marks for at in mark), len(snippet)]
    assert ends == sorted(ends)
    tokens = {token for word in words for token in word.tokens}
    starts = tuple(word.tokens[-1] for word in words if word.begins)
    for start, end in marks:
        shown = fold(snippet[start:end])
        assert shown in tokens or shown.startswith(starts)
