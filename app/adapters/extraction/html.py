"""HTML: what a page is about, without what surrounds it."""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.adapters.extraction.decoding import decode
from app.adapters.extraction.front_matter import language_code
from app.adapters.extraction.limits import Budget
from app.adapters.extraction.outline import Outline
from app.adapters.extraction.page import LEFT_OUT, Page
from app.domain.extraction import ColumnMapping, Extracted

_MAIN = ("main", "[role=main]", "article")


def read(content: bytes, mapping: ColumnMapping, budget: Budget) -> Iterator[Extracted]:  # noqa: ARG001 - as every format
    """Yield the one document of an HTML file."""
    yield document(decode(content, legacy=True), budget)


def document(markup: str, budget: Budget) -> Extracted:
    """Return what is in a page's main part; raises DocumentRefused where it holds no text."""
    tree = LexborHTMLParser(markup)
    outline = Outline(budget)
    main = _main(tree)
    Page(outline, around=main is not None).read(main or tree.body)
    title, root = tree.css_first("head > title"), tree.css_first("html")
    language = (root.attributes.get("lang") or "") if root else ""
    return outline.finish("1", outline.title or (title.text() if title else ""), language_code(language))


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    """Return the one part that calls itself the main one, None where none or several do."""
    for selector in _MAIN:
        found = tree.css(selector)
        if len(found) == 1 and found[0].text(strip=True):
            return found[0]
    return None


def add(outline: Outline, markup: str) -> None:
    """Add a piece of HTML to a document."""
    Page(outline, around=True).read(LexborHTMLParser(markup).body)


def text(markup: str) -> str:
    """Return the text of a piece of HTML that stands inside something else."""
    body = LexborHTMLParser(markup).body
    for node in body.css(",".join(LEFT_OUT)) if body else ():
        node.decompose()
    return body.text(separator=" ", strip=True) if body else ""
