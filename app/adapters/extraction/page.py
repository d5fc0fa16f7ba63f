"""The walk over an HTML page that writes its blocks as Markdown."""

import re
from typing import Final

from selectolax.lexbor import LexborNode

from app.adapters.extraction.cleaning import link
from app.adapters.extraction.outline import Outline

LEFT_OUT: Final = (
    "script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "math", "canvas", "form", "button",
    "input", "select", "textarea", "nav", "aside", "dialog", "audio", "video", "picture", "img", "map", "head", "title",
)  # fmt: skip
_UNSEEN = frozenset(LEFT_OUT)
_AROUND = frozenset(["header", "footer"])
_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
_BLOCKS = _HEADINGS | frozenset((
    "address", "article", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
))  # fmt: skip
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?:\.0*)?(?![.\d])")
_SPACE = re.compile(r"\s+")
_DEEPEST = 8


class Page:
    """Writes the blocks of a page into an outline; `around` keeps headers and footers."""

    def __init__(self, outline: Outline, *, around: bool) -> None:
        self._outline = outline
        self._unseen = _UNSEEN if around else _UNSEEN | _AROUND
        self._spans: list[str] = []
        self._links: list[tuple[int, str]] = []
        self._pre = 0
        # Open lists, innermost last: the number of the next item, 0 for bullets.
        self._lists: list[int] = []
        self._lines: list[str] = []
        self._steps: list[list[str]] = []
        self._numbered = False
        self._mark = ""
        self._tables = 0
        self._cell: list[str] = []
        self._row: list[str] = []
        self._rows: list[str] = []

    def read(self, root: LexborNode | None) -> None:
        """Read everything below a node: a loop, for pages nest as deeply as they like."""
        node, depth = root, 0
        while node is not None:
            below = self._enter(node)
            if below is not None:
                node, depth = below, depth + 1
                continue
            self._leave(node)
            while depth and node.next is None and node.parent is not None:
                node, depth = node.parent, depth - 1
                self._leave(node)
            node = node.next if depth else None
        self._flush()
        self._end_list()

    def _enter(self, node: LexborNode) -> LexborNode | None:
        """Begin a node; return the first one inside it, None where nothing in it is read."""
        if node.is_text_node:
            written = node.text_content or ""
            self._spans.append(written if self._pre else _SPACE.sub(" ", written))
        if not node.is_element_node or self._hidden(node):
            return None
        tag = node.tag or ""
        if tag in _BLOCKS:
            self._flush()
        match tag:
            case "br":
                self._spans.append("\n")
            case "a":
                self._links.append((len(self._spans), node.attributes.get("href") or ""))
            case "ol" | "ul":
                self._begin_list(ordered=tag == "ol")
            case "li":
                self._begin_item()
            case "table":
                self._tables += 1
            case "pre":
                self._pre += 1
        return node.first_child

    def _hidden(self, node: LexborNode) -> bool:
        if node.tag in self._unseen:
            return True
        attributes = node.attributes
        if not attributes:
            return False
        style = attributes.get("style") or ""
        return "hidden" in attributes or attributes.get("aria-hidden") == "true" or bool(_HIDING.search(style.lower()))

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if not node.is_element_node or self._hidden(node):
            return
        if tag in _HEADINGS and not self._lists and not self._tables:
            self._outline.heading(int(tag[1]), self._taken())
        elif tag in _BLOCKS:
            self._flush()
        match tag:
            case "a" if self._links:
                at, address = self._links.pop()
                self._spans[at:] = [link("".join(self._spans[at:]), address)]
            case "ol" | "ul" if self._lists:
                self._lists.pop()
                self._end_list()
            case "td" | "th" if self._tables == 1:
                self._row.append(" ".join(" ".join(self._cell).split()).replace("|", r"\|"))
                self._cell = []
            case "tr" if self._tables == 1:
                self._end_row()
            case "table" if self._tables:
                self._tables -= 1
                self._end_table()
            case "pre" if self._pre:
                self._pre -= 1

    def _taken(self) -> str:
        text = "".join(self._spans)
        self._spans, self._links = [], []
        return text

    def _flush(self) -> None:
        """End a block: what was read since the last one belongs to a cell, an item or the page."""
        text = self._taken()
        if self._pre:
            text = f"```\n{text.strip(chr(10)).rstrip()}\n```" if text.strip() else ""
        else:
            text = "\n".join(part.strip() for part in text.split("\n")).strip()
        if not text:
            return
        if self._tables:
            self._cell.append(text)
        elif self._lists:
            self._add_line(text)
        else:
            self._outline.block(text)

    def _begin_list(self, *, ordered: bool) -> None:
        if not self._lists and not self._tables:
            self._numbered, self._lines, self._steps = ordered, [], []
        self._lists.append(1 if ordered else 0)

    def _begin_item(self) -> None:
        if not self._lists:
            return
        number = self._lists[-1]
        self._mark = f"{number}. " if number else "- "
        self._lists[-1] += 1 if number else 0
        if len(self._lists) == 1:
            self._steps.append([])

    def _add_line(self, text: str) -> None:
        indent = "   " * min(len(self._lists) - 1, _DEEPEST)
        mark = self._mark or "   "
        self._lines.append(indent + mark + text.replace("\n", "\n" + indent + " " * len(mark)))
        self._mark = ""
        if self._steps:
            self._steps[-1].append(text)

    def _end_list(self) -> None:
        if self._lists or not self._lines:
            return
        steps = [" ".join(parts) for parts in self._steps] if self._numbered else []
        self._outline.block("\n".join(self._lines), steps)
        self._lines, self._steps = [], []

    def _end_row(self) -> None:
        if any(self._row):
            self._rows.append(f"| {' | '.join(self._row)} |")
            if len(self._rows) == 1:
                self._rows.append("|" + " --- |" * len(self._row))
        self._row = []

    def _end_table(self) -> None:
        if self._tables:
            return
        if self._cell:
            self._rows.append(" ".join(self._cell))
        if self._lists:
            for row in self._rows:
                self._add_line(row)
        elif self._rows:
            self._outline.block("\n".join(self._rows))
        self._cell, self._rows = [], []
