"""Texts of people, made so that neither a spreadsheet nor a Markdown reader takes any of them for an instruction."""

import re
import unicodedata
from collections.abc import Callable

_FORMULA = frozenset("=+-@\u2212")
# Control characters, halves of characters, and format characters: marks of direction, tags, what has no width.
_UNSEEN = frozenset({"Cc", "Cs", "Cf"})
_BLANK = frozenset({"Zs", "Zl", "Zp"})
# Scripts and emoji are joined by these.
_JOINERS = frozenset("\u200c\u200d")

_ACTIVE = re.compile(r"[\\`*_\[\]<>&|~!$#{}^@]")
# Without these, a reader that makes links of bare addresses finds none.
_ADDRESS = re.compile(r"(?<=\w)\.(?=\w)|:(?=//)|(?<=mailto):|(?<=xmpp):", re.IGNORECASE)
_BLOCK = re.compile(r"[-+=]|\d{1,9}(?=[.)])")
_ITEM = re.compile(r"(\d{1,9}[.)]|[-*+])[ \t]+(?=\S)")
_SPAN = re.compile(r"(\*\*[^*`\s](?:[^*`]*[^*`\s])?\*\*|`[^`]+`)")


def visible(text: str) -> str:
    """Return a text without control and format characters; line feeds, tabs and joiners stay."""
    # Nearly every line is; looking at each character would hold up others.
    if text.isprintable():
        return text
    return "".join(
        char for char in text if char in "\n\t" or char in _JOINERS or unicodedata.category(char) not in _UNSEEN
    )


def one_line(text: str) -> str:
    """Return a text on one line, without what cannot be seen, every gap one space; empty where nothing is left."""
    return " ".join(visible(" ".join(text.splitlines())).split()).strip("".join(_JOINERS) + " ")


def cell(text: str) -> str:
    """Return what a spreadsheet shows for a text instead of computing it: a quote is put before what it might compute.

    That is what begins with a control character or, after whatever cannot be seen, with = + - @ in any of their forms
    (OWASP ASVS 1.2.10).
    """
    seen = next((char for char in text if unicodedata.category(char) not in _UNSEEN | _BLANK), "")
    risky = unicodedata.normalize("NFKC", seen)[:1] in _FORMULA if seen else False
    return f"'{text}" if risky or unicodedata.category(text[:1] or " ") == "Cc" else text


def plain_markdown(text: str) -> str:
    """Return Markdown that shows a text as it is, line by line."""
    return _lines(text, _plain_line)


def light_markdown(text: str) -> str:
    """Return Markdown that shows a text as it is, but for its lists, bold words and code, which stay what they are."""
    return _lines(text, _light_line)


def _lines(text: str, shape: Callable[[str], str]) -> str:
    """Shape every line; two spaces at its end keep it a line of its own."""
    lines = [visible(line).rstrip() for line in text.splitlines()]
    shaped = [shape(line) if line else "" for line in lines]
    return "\n".join(
        f"{line}  " if line and following else line for line, following in zip(shaped, [*shaped, ""][1:], strict=True)
    )


def _plain_line(line: str) -> str:
    inner = line.lstrip()
    # Spaces at the beginning would make it code, in which nothing is shown as it was written.
    return "\u00a0" * (len(line) - len(inner)) + _begin(_inline(inner))


def _light_line(line: str) -> str:
    item = _ITEM.match(line)
    marker, rest = (f"{item[1]} ", line[item.end() :]) if item else ("", line)
    inner = rest.lstrip()
    parts = _SPAN.split(inner)
    text = "".join(_span(part) if at % 2 else _inline(part) for at, part in enumerate(parts))
    return marker + "\u00a0" * (len(rest) - len(inner)) + _begin(text)


def _span(span: str) -> str:
    return span if span.startswith("`") else f"**{_inline(span[2:-2])}**"


def _inline(text: str) -> str:
    return _ADDRESS.sub(r"\\\g<0>", _ACTIVE.sub(r"\\\g<0>", text))


def _begin(line: str) -> str:
    """Keep a line from being a list's item, a heading's underline or a rule by what it begins with."""
    found = _BLOCK.match(line)
    if not found:
        return line
    at = found.end() if found[0].isdigit() else 0
    return f"{line[:at]}\\{line[at:]}"
