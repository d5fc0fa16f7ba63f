"""Markdown, as CommonMark with tables reads it."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from app.adapters.extraction import front_matter, html
from app.adapters.extraction.cleaning import link, visible
from app.adapters.extraction.decoding import decode
from app.adapters.extraction.limits import Budget
from app.adapters.extraction.outline import Outline
from app.domain.extraction import ColumnMapping, Extracted

_NOTE = re.compile(r"\A\[!([A-Za-z]+)\][ \t]*\n?")
_DIRECTIVE = re.compile(r":::[a-z-]+ [^\n]*?:::|^[ \t]*:::.*$|\[!(?:INCLUDE|VIDEO|div)\b[^\n]*", re.MULTILINE)
_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
# <server name> is a blank to fill in, unless HTML has an element of that name, which the cleaning takes out.
_BLANK = re.compile(r"</?[A-Za-z][\w .-]*>")
_MARKS = {"strong": "**", "s": "~~"}


def read(content: bytes, mapping: ColumnMapping, budget: Budget) -> Iterator[Extracted]:  # noqa: ARG001 - as every format
    """Yield the one document of a Markdown file."""
    source = decode(content)
    budget.check_source(source)
    values, body = front_matter.split(visible(source))
    outline = Outline(budget)
    for node in SyntaxTreeNode(_parser().parse(body)).children:
        _add(outline, node)
    language = front_matter.language_of(values)
    key = values.get("id")
    yield outline.finish(
        key if isinstance(key, str) and key.strip() else "1",
        front_matter.title_of(values),
        language,
        front_matter.aliases_of(values, language),
        front_matter.metadata_of(values),
    )


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _add(outline: Outline, node: SyntaxTreeNode) -> None:
    if node.type == "heading":
        outline.heading(int(node.tag[1:]), _inline(node))
    elif node.type == "html_block":
        html.add(outline, node.content)
    elif node.type == "ordered_list":
        outline.block(_block(node), [_blocks(item, "\n") for item in node.children])
    else:
        outline.block(_block(node))


def _block(node: SyntaxTreeNode) -> str:
    return _BLOCKS.get(node.type, _inline)(node)


def _code(node: SyntaxTreeNode) -> str:
    return f"```{node.info.strip()}\n{node.content.rstrip()}\n```"


def _list(node: SyntaxTreeNode) -> str:
    return "\n".join(_items(node))


def _quote(node: SyntaxTreeNode) -> str:
    return _NOTE.sub(lambda found: f"{found[1].capitalize()}: ", _blocks(node, "\n\n"))


def _table(node: SyntaxTreeNode) -> str:
    return "\n".join(_rows(node))


def _blocks(node: SyntaxTreeNode, joint: str) -> str:
    return joint.join(text for text in map(_block, node.children) if text.strip())


def _items(node: SyntaxTreeNode) -> Iterator[str]:
    first = int(node.attrs.get("start", 1))
    for number, item in enumerate(node.children, first):
        mark = f"{number}. " if node.type == "ordered_list" else "- "
        yield mark + _blocks(item, "\n").replace("\n", "\n" + " " * len(mark))


def _rows(table: SyntaxTreeNode) -> Iterator[str]:
    for part in table.children:
        for row in part.children:
            cells = [_inline(cell).replace("\n", " ").replace("|", r"\|") for cell in row.children]
            yield f"| {' | '.join(cells)} |"
            if part.type == "thead":
                yield "|" + " --- |" * len(cells)


def _inline(node: SyntaxTreeNode) -> str:
    """Return the text of a paragraph, a heading or a cell."""
    whole = "".join(_span(child) for part in node.children for child in part.children)
    return _DIRECTIVE.sub("", whole) if ":::" in whole or "[!" in whole else whole


def _span(node: SyntaxTreeNode) -> str:
    """Return the text of a part of a line."""
    written = _SPANS.get(node.type)
    if written is not None:
        return written(node)
    inner = "".join(map(_span, node.children))
    if node.type == "link":
        return link(inner, str(node.attrs.get("href", "")))
    mark = _MARKS.get(node.type, "")
    return f"{mark}{inner}{mark}" if inner.strip() else ""


def _html(node: SyntaxTreeNode) -> str:
    if _LINE_BREAK.fullmatch(node.content):
        return "\n"
    return node.content if _BLANK.fullmatch(node.content) else ""


_Write = Callable[[SyntaxTreeNode], str]

_BLOCKS: Mapping[str, _Write] = {
    "fence": _code,
    "code_block": _code,
    "bullet_list": _list,
    "ordered_list": _list,
    "blockquote": _quote,
    "table": _table,
    "html_block": lambda node: html.text(node.content),
    "hr": lambda _: "",
}
_SPANS: Mapping[str, _Write] = {
    "text": lambda node: node.content,
    "text_special": lambda node: node.content,
    "code_inline": lambda node: f"`{node.content}`",
    "softbreak": lambda _: "\n",
    "hardbreak": lambda _: "\n",
    "html_inline": _html,
    "image": lambda _: "",
}
