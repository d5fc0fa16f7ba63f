"""Exported Markdown, read by a Markdown reader: what people wrote is text in it and nothing else."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.services.conversation.inert import light_markdown, one_line, plain_markdown, visible

NAUGHTY = Path(__file__).parents[3].parent / "shared/eval/naughty/blns.jsonl"
# The reader knows HTML, tables and strikethrough besides the standard.
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXT = {"inline", "text", "text_special", "paragraph_open", "paragraph_close", "hardbreak", "softbreak"}
LISTS = {
    f"{kind}_{end}" for kind in ("bullet_list", "ordered_list", "list_item", "strong") for end in ("open", "close")
}
ACTIVE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](https://e.example/?leak)",
    "[x]: https://e.example\n\n[x]",
    "<https://e.example>",
    "<a@e.example>",
    "&lt;b&gt; &#60;",
    "# Heading",
    "Heading\n===",
    "Heading\n---",
    "---\ntitle: x\n---",
    "> quote",
    "- item\n- item",
    "+ item",
    "1. item\n2) item",
    "```\ncode\n```",
    "~~~\ncode",
    "    code",
    "\tcode",
    "`code`",
    "*em* **strong** _em_ __strong__ ~~gone~~",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "***",
    "\\<b>\\",
    "\\\\<b>",
    "line\\\nline",
    "a\r<b>\rc\r\n<i>",
    "`<b>` ``<b>`` `` ` <b>",
    "<!-- comment -->",
    "<?php ?>",
    "[^1]\n\n[^1]: note",
    "$$x$$ {.cls} `x`{=html}",
]


def kinds(tokens: list[Token] | None) -> set[str]:
    return {token.type for token in tokens or ()} | {kind for token in tokens or () for kind in kinds(token.children)}


def shown(markdown: str) -> str:
    """Return the text a reader shows, line by line."""
    parts = []
    for token in READER.parse(markdown):
        for child in token.children or ():
            shows = "\n" if child.type in {"hardbreak", "softbreak"} else child.content
            parts.append(shows)
        parts.append("\n" if token.type == "inline" else "")
    return "".join(parts)


def plain(text: str) -> list[str]:
    return [" ".join(visible(line).split()) for line in text.splitlines() if visible(line).split()]


def test_the_reader_finds_markup_where_there_is_some() -> None:
    assert sum(bool(kinds(READER.parse(text)) - TEXT) for text in ACTIVE) > 25


@pytest.mark.parametrize("text", ACTIVE)
def test_nothing_people_write_is_markup(text: str) -> None:
    written = plain_markdown(text)
    assert kinds(READER.parse(written)) <= TEXT
    assert plain(shown(written)) == plain(text)


@pytest.mark.parametrize("text", ACTIVE)
def test_an_answer_has_lists_bold_words_and_code_at_most(text: str) -> None:
    assert kinds(READER.parse(light_markdown(text))) <= TEXT | LISTS | {"code_inline"}


def test_an_answer_looks_as_it_does_on_the_page() -> None:
    html = READER.render(
        light_markdown("1. Open **Settings > VPN** and run `ipconfig /all <x>`. [1]\n2. Restart.\n\nDone.")
    )
    assert html == (
        "<ol>\n<li>Open <strong>Settings &gt; VPN</strong> and run <code>ipconfig /all &lt;x&gt;</code>. [1]</li>\n"
        "<li>Restart.</li>\n</ol>\n<p>Done.</p>\n"
    )


@pytest.mark.parametrize("address", ["https://e.example/x", "www.e.example", "e.example", "HTTP://E.example"])
def test_bare_addresses_are_broken_for_readers_that_would_link_them(address: str) -> None:
    for written in (plain_markdown(address), light_markdown(f"- {address}")):
        assert address not in written
        assert ":" not in written or "\\:" in written
    assert shown(plain_markdown(address)) == f"{address}\n"


markup = st.text(st.sampled_from(list("`*_[]()<>!#-+=|~&;:/\\{}$^@. \t\n\r1a\u2028\x0b")), max_size=40)


@settings(max_examples=400, deadline=None)
@given(
    text=markup
    | st.lists(st.sampled_from([*ACTIVE, "\n", "\n\n", "`", "**", " ", "- ", "1. "]), max_size=6).map("".join)
)
def test_no_text_at_all_is_markup(text: str) -> None:
    written = plain_markdown(text)
    assert kinds(READER.parse(written)) <= TEXT
    assert plain(shown(written)) == plain(text)
    assert kinds(READER.parse(light_markdown(text))) <= TEXT | LISTS | {"code_inline"}


@pytest.mark.skipif(not NAUGHTY.is_file(), reason="the list of naughty strings is not here")
def test_no_naughty_string_is_markup() -> None:
    texts = [json.loads(line)["text"] for line in NAUGHTY.read_text(encoding="utf-8").strip().split("\n")]
    for text in texts:
        assert kinds(READER.parse(plain_markdown(text))) <= TEXT
        assert kinds(READER.parse(light_markdown(text))) <= TEXT | LISTS | {"code_inline"}
        assert "\n" not in one_line(text)


def test_what_cannot_be_seen_is_left_out_and_what_joins_stays() -> None:
    assert visible("a\u202eb\ufeff\x1b[31m\U000e0041c\n\td") == "ab[31mc\n\td"
    assert visible("👩\u200d💻 نمی\u200cخواهم") == "👩\u200d💻 نمی\u200cخواهم"
    assert one_line(" a\r\n\u2028 b\t c\u200d ") == "a b c"
    assert one_line("\u200d \u202e\n") == ""
