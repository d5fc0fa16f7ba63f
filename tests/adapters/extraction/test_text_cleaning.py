"""What no reader sees and no browser may act on is taken out."""

import unicodedata

import pytest
from file_makers import read
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.extraction.cleaning import cleaned, hidden, line, link
from app.adapters.extraction.decoding import decode
from app.domain.text import fold
from app.errors import DocumentRefused

_INVISIBLE = (
    "\0\x07\x1b\u00ad\u200b\u200c\u200d\u200e\u202e\u2060\u2066\ufe0f\ufeff\U000e0041\U000e007f\U000e0100\ud800"
)


@pytest.mark.parametrize("char", _INVISIBLE)
def test_characters_that_show_nothing_are_gone(char: str) -> None:
    assert cleaned(f"a{char}b") == "ab"
    assert hidden(char)
    assert not hidden("a\tb\nc é")


def test_line_ends_spaces_and_accents_have_one_form() -> None:
    assert cleaned("e\u0301\r\nb\rc\u2028d \n\n\n\ne\u00a0f") == "é\nb\nc\nd\n\ne f"
    assert line("a\n b\t <b>c</b>  " + "d" * 500) == ("a b c " + "d" * 500)[:300]


@pytest.mark.parametrize(
    ("markup", "left"),
    [
        ("<script>x</script>", "x"),
        ("<scr<script>ipt>alert(1)</scr</script>ipt>", "alert(1)"),
        ("<img src=x onerror=y>", ""),
        ("<x-y onclick=z>a", "a"),
        ("a <!-- b --> c", "a  c"),
        ("<!doctype html>a", "a"),
        ("[a](javascript:alert(1))", "a"),
        ("[a](https://b.c/d)", "a (https://b.c/d)"),
        ("![a](https://b.c/d?q=1)", ""),
        ("[![i](https://x.y/z)](https://b.c)", "https://b.c"),
        ("text\n[r]: https://evil.example/q\nmore", "text\n\nmore"),
        ("the <server name> is 1 < 2 > 0", "the <server name> is 1 < 2 > 0"),
        ("`<b>` and\n```\n<b>[a](b)\n```", "`<b>` and\n```\n<b>[a](b)\n```"),
    ],
)
def test_markup_outside_of_code_is_gone(markup: str, left: str) -> None:
    assert cleaned(markup) == left


def test_markup_in_layers_without_end_is_broken_up() -> None:
    assert cleaned("<b" * 5 + ">" * 5) == ""
    assert "<" not in cleaned("<b" * 20 + ">" * 20)
    assert "](" not in cleaned("[" * 20 + "a" + "](b)" * 20)


def test_links_keep_https_addresses_alone() -> None:
    assert link(" a ", "https://b.c/(d)") == "a (https://b.c/%28d%29)"
    assert link("https://B.c", "https://b.c") == "https://b.c"
    assert link("", "https://b.c") == "https://b.c"
    for address in ("http://b.c", "//b.c", "mailto:a@b.c", "data:text/html,x", "https://b c", "JAVASCRIPT:x"):
        assert link("a", address) == "a"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab<>/!-=[]()`\n \u200b\0e\u0301"), max_size=60))
def test_cleaning_is_finished_after_one_time_and_leaves_no_link(text: str) -> None:
    once = cleaned(text)
    assert not hidden(once)
    assert once == unicodedata.normalize("NFC", once)
    if "`" not in once:
        assert "](" not in once


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "utf-16-le", "utf-16-be"])
def test_encodings_are_told_apart(encoding: str) -> None:
    text = "Größe, café: the printer does not print. " * 5
    assert decode(text.encode(encoding), legacy=True) == text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"caf\xe9", "wrong_encoding"),
        (b"\xff\xfea", "wrong_encoding"),
        (b"\x01\x02" * 9, "binary"),
        (b"a\0b\0c", "binary"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        decode(content)
    assert refused.value.reason == reason


def test_a_byte_that_neither_encoding_knows_is_named() -> None:
    with pytest.raises(DocumentRefused, match="byte 2 is neither"):
        decode(b"a\x81b", legacy=True)


def test_a_log_may_hold_a_few_control_characters() -> None:
    assert decode(b"line\x1b[0m\x07 " + b"x" * 1_000).startswith("line")


def test_plain_text_has_headings_steps_and_paragraphs() -> None:
    text = (
        "Printer offline\n\nSymptom:\nIt is off.\n\n"
        "Lösung\n1. Turn it\n   on.\n2) Wait.\n\nThe solution. Not a heading."
    )
    (found,) = read("a.txt", text)
    assert (found.title, [part.heading for part in found.sections]) == ("Printer offline", ["", "Symptom", "Lösung"])
    assert [step.text for step in found.sections[2].steps] == ["Turn it on.", "Wait."]
    assert fold(found.sections[2].heading) == "losung"
