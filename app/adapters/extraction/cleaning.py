"""Takes out of a text what a reader does not see, and what a browser would act on."""

import re
import unicodedata
from collections.abc import Callable

# Controls, soft hyphen, joiners, zero widths, directions, fillers, variation selectors, surrogates, tags.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile("[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_BLANK_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")

_ELEMENTS = (
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote body "
    "br button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em "
    "embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i "
    "iframe image img input ins isindex kbd keygen label legend li link listing main map mark marquee math menu meta "
    "meter nav nobr noembed noframes noscript object ol optgroup option output p param picture plaintext portal pre "
    "progress q rp rt ruby s samp script search section select slot small source span strike strong style sub summary "
    "sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr xmp"
)
_TAG = re.compile(
    rf"</?(?:{'|'.join(_ELEMENTS.split())})(?=[\s/>])[^<>]*+>|<!--(?:(?!<!--).)*?-->|<![a-z][^<>]*+>",
    re.IGNORECASE | re.DOTALL,
)
# A name in angle brackets (<server name>) is a blank for the reader to fill in; with an attribute it is an element.
_ATTRIBUTED = re.compile(r"<[a-z/!?][^<>=]*+=[^<>]*+>", re.IGNORECASE)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\(\s*+<?+((?:[^()\s<>]|\([^()\s<>]*+\))*+)>?+[^()]*+\)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\[\]\n]+\]:[ \t]*\S+.*$", re.MULTILINE)
_CODE = re.compile(r"(^[ \t]*```.*?^[ \t]*```[ \t]*$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_HTTPS = re.compile(r"https://[^\s<>\"'`\\]{1,2000}", re.IGNORECASE)
_ROUNDS = 8
_TITLE_CHARS = 300


def visible(text: str) -> str:
    """Return the text in NFC, line ends as LF, without characters that show nothing."""
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", _LINE_END.sub("\n", text)))


def hidden(text: str) -> bool:
    """Tell whether a text holds characters that show nothing."""
    return _INVISIBLE.search(text) is not None


def line(text: str, chars: int = _TITLE_CHARS) -> str:
    """Return a text as one line without markup, cut to a number of characters."""
    plain = _prose(visible(text).replace("\n", " "))
    return _SPACES.sub(" ", plain).strip()[:chars].rstrip()


def cleaned(text: str) -> str:
    """Return a text that shows all it holds; outside of code no HTML is left, and no link but as its https address."""
    pieces = _CODE.split(visible(text))
    # A pattern with one group puts what it matched, code, at the odd places.
    whole = "".join(piece if at % 2 else _prose(piece) for at, piece in enumerate(pieces))
    return _BLANK_LINES.sub("\n\n", "\n".join(part.rstrip() for part in whole.split("\n"))).strip("\n")


def link(label: str, address: str) -> str:
    """Return a link as text: its label, and its address where that is https."""
    label, address = label.strip(), address.strip().replace("(", "%28").replace(")", "%29")
    if _HTTPS.fullmatch(address) is None:
        return label
    return address if label.lower() in {"", address.lower()} else f"{label} ({address})"


def _prose(text: str) -> str:
    text = text.replace("\u00a0", " ")
    if "<" in text:
        text = _stable(_without_tags, text, otherwise=lambda left: left.replace("<", ""))
    if "](" in text:
        text = _stable(_without_links, text, otherwise=str).replace("](", "] (")
    return _REFERENCE.sub("", text) if "]:" in text else text


def _stable(change: Callable[[str], str], text: str, otherwise: Callable[[str], str]) -> str:
    """Repeat a change until it finds nothing more: what is left when a tag is gone may be another tag."""
    for _ in range(_ROUNDS):
        changed = change(text)
        if changed == text:
            return text
        text = changed
    return otherwise(text)


def _without_tags(text: str) -> str:
    return _ATTRIBUTED.sub("", _TAG.sub("", text))


def _without_links(text: str) -> str:
    return _LINK.sub(lambda found: "" if found[0][0] == "!" else link(found[1], found[2]), text)
