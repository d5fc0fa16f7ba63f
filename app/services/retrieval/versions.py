"""Which versions of which products a text names, and whether two texts name other versions of the same product."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Number: TypeAlias = tuple[int, ...]
"""A version as numbers; a shorter one stands for all that begin with it."""

FIRST: Final[Number] = (0,)
LAST: Final[Number] = (9999,)
"""Also the edition that has no number because it is always the newest: Office 365, Exchange Online."""


@dataclass(frozen=True, slots=True)
class Span:
    """The versions from `low` to `high`, both included."""

    low: Number
    high: Number

    def meets(self, other: "Span") -> bool:
        """Tell whether any version is in both: `14.5` and `14` have one in common."""
        return not _before(self.high, other.low) and not _before(other.high, self.low)


Versions: TypeAlias = Mapping[str, frozenset[Span]]
"""The versions named, by product."""


def _before(one: Number, other: Number) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] < other[:shared]


_NAMED: Final[Mapping[str, Number]] = {
    "xp": (5,),
    "vista": (6,),
    "yosemite": (10, 10),
    "el capitan": (10, 11),
    "high sierra": (10, 13),
    "mojave": (10, 14),
    "catalina": (10, 15),
    "big sur": (11,),
    "monterey": (12,),
    "ventura": (13,),
    "sonoma": (14,),
    "sequoia": (15,),
    "tahoe": (26,),
    "365": LAST,
    "online": LAST,
}
_MAC: Final = "yosemite|el capitan|high sierra|mojave|catalina|big sur|monterey|ventura|sonoma|sequoia|tahoe"
_MAC_NUMBER: Final = r"(?:1\d|2\d)(?:\.\d+)*"
_OFFICE: Final = r"(?:office|outlook|word|excel|powerpoint|onenote|access|visio|project)"
_YEAR: Final = r"20(?:0[37]|10|13|16|19|2[1-9])"
_DOTTED: Final = r"\d{1,2}(?:\.\d+)*"

# A product's name, its versions as they follow the name, and what names a version without the product's name.
_PRODUCTS: Final = {
    "windows": (
        r"(?:windows |windows-|windows|win ?|w(?=1[01]\b))",
        r"(?:xp|vista|7|8(?:\.1)?|1[01])(?: 2\dh[12])?",
        "",
    ),
    "windows server": (
        r"(?:windows |(?<!point )(?<!change )(?<!sql ))server ",
        r"20(?:0[38]|12|16|19|22|25)(?: r2)?",
        "",
    ),
    "macos": (
        r"(?:mac ?os(?: x)? ?|os ?x )",
        rf"(?:{_MAC_NUMBER}(?: (?:{_MAC}))?|(?:{_MAC})(?: {_MAC_NUMBER})?)",
        rf"(?:{_MAC})",
    ),
    "ios": (r"(?:ios|ipados) ?", _DOTTED, ""),
    "android": (r"android ?", _DOTTED, ""),
    "ubuntu": (r"ubuntu ", r"\d\d(?:\.\d\d)?", ""),
    "fedora": (r"fedora ", r"\d\d", ""),
    "debian": (r"debian ", r"\d{1,2}", ""),
    "rhel": (r"(?:rhel|red hat(?: enterprise linux)?) ?", _DOTTED, ""),
    "office": (rf"{_OFFICE} ", rf"(?:{_YEAR}|365)", r"(?:microsoft|m) ?365(?= apps)"),
    "exchange": (r"exchange(?: server)? ", rf"(?:{_YEAR}|online)", ""),
    "sharepoint": (r"sharepoint(?: server)? ", rf"(?:{_YEAR}|online)", ""),
}
_END: Final = r"(?!\w|\.\d)"
_JOIN: Final = r"\s*(?P<joint>to|through|bis|à|-|–|/|,|&|and|or|und|oder|et|ou|y|o)\s*"
_RANGES: Final = frozenset({"to", "through", "bis", "à", "-", "–"})
_LATER: Final = re.compile(
    r"\+|,? (?:and|or|und|oder|et|ou|y|o) (?:later|newer|above|up|higher|neuer|höher|ultérieur|plus récent|posterior|"
    r"superior)"
)
_EARLIER: Final = re.compile(
    r",? (?:and|or|und|oder|et|ou|y|o) (?:earlier|older|below|prior|älter|früher|antérieur|plus ancien|anterior)"
)
_DIGITS: Final = re.compile(r"\d+")
_NAMES: Final = re.compile("|".join(sorted(_NAMED, key=len, reverse=True)))


def _patterns(head: str, unit: str, bare: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what begins with a product's version, and what goes on with another."""
    alone = rf"|\b{bare}" if bare else ""
    begin = rf"(?:\b{head}(?:version )?(?P<unit>{unit}){alone}){_END}"
    return re.compile(begin), re.compile(rf"{_JOIN}(?:{head})?(?P<unit>{unit}){_END}")


_READY: Final = {name: _patterns(*parts) for name, parts in _PRODUCTS.items()}
_SIGNS: Final = {
    "windows": ("win", "w10", "w11"),
    "windows server": ("server ",),
    "macos": ("macos", "mac os", "os x", "osx", *_MAC.split("|")),
    "ios": ("ios", "ipados"),
    "office": ("365", *_OFFICE.strip("(?:)").split("|")),
    "rhel": ("rhel", "red hat"),
}
"""One of these stands in every text that names a version of the product: looking for them costs next to nothing."""

_WINDOWS_BUILD: Final = re.compile(r"\b10\.0\.(\d{5})\b")
_FIRST_BUILD_OF_11: Final = 22000

_NOT_ITS: Final = r"(?!\w| (?:profile?|profil|account|konto|rule|signature|calendar|window|meeting|e-?mail|mail)\b)"
_CLASSIC_ALONE: Final = re.compile(r"\b(?:classic\b|klassisch|classique|cl[aá]sic[oa]\b)")
_EDITIONS: Final = {
    product: (
        re.compile(rf"\b(?:classic|klassische[sn]?|old|legacy|alte[sn]?|ancien) {product}\b"),
        re.compile(rf"\b(?:new|neue[sn]?|nouvel|nouveau|nuevo) (?:microsoft )?{product}{_NOT_ITS}|{product} \(new\)"),
    )
    for product in ("outlook", "teams")
}
_CLASSIC: Final = Span((1,), (1,))
_NEW: Final = Span((2,), (2,))


def versions_of(*texts: str) -> Versions:
    """Return the versions that texts name, by product; `classic` and `new` Outlook and Teams are versions too."""
    found: dict[str, set[Span]] = {}
    for text in (_WINDOWS_BUILD.sub(_edition_of_build, " ".join(text.casefold().split())) for text in texts):
        for product, (begin, more) in _READY.items():
            if any(sign in text for sign in _SIGNS.get(product, (product,))):
                found.setdefault(product, set()).update(_spans(text, begin, more))
        for product, spans in _editions(text):
            found.setdefault(product, set()).update(spans)
    return {product: frozenset(spans) for product, spans in found.items() if spans}


def _edition_of_build(match: re.Match[str]) -> str:
    return "11" if int(match[1]) >= _FIRST_BUILD_OF_11 else "10"


def _editions(text: str) -> Iterator[tuple[str, set[Span]]]:
    named = [product for product in _EDITIONS if product in text]
    for product in named:
        old, new = _EDITIONS[product]
        classic = old.search(text) or (len(named) == 1 and _CLASSIC_ALONE.search(text))
        yield f"{product} edition", ({_CLASSIC} if classic else set()) | ({_NEW} if new.search(text) else set())


def numbered(name: str, text: str) -> frozenset[Span]:
    """Return the versions a text names of a product of any name, as in `FortiClient 7.2 and later`."""
    if not name.strip():
        return frozenset()
    unit = r"\d+(?:\.\d+)*"
    begin, more = _patterns(re.escape(" ".join(name.casefold().split())) + " v?", unit, "")
    return frozenset(_spans(" ".join(text.casefold().split()), begin, more))


def apart(asked: frozenset[Span], own: frozenset[Span]) -> bool:
    """Tell whether both name versions, and none in common."""
    return bool(asked and own) and not any(one.meets(other) for one in asked for other in own)


def mismatched(asked: Versions, own: Versions) -> Iterable[str]:
    """Return the products of which both name versions, but none in common."""
    return [product for product in asked if apart(asked[product], own.get(product, frozenset()))]


def _spans(text: str, begin: re.Pattern[str], more: re.Pattern[str]) -> Iterator[Span]:
    for match in begin.finditer(text):
        before, end = _number(match["unit"] or match[0]), match.end()
        yield _open(before, before, text, end)
        while (following := more.match(text, end)) is not None:
            number, end = _number(following["unit"]), following.end()
            yield _open(before if following["joint"] in _RANGES else number, number, text, end)
            before = number


def _open(low: Number, high: Number, text: str, end: int) -> Span:
    """Return a span, without an end where the text goes on with `and later`."""
    if _LATER.match(text, end):
        return Span(low, LAST)
    return Span(FIRST, high) if _EARLIER.match(text, end) else Span(low, high)


def _number(text: str) -> Number:
    """Return a version's number; a name counts before the digits beside it."""
    named = _NAMES.search(text)
    return _NAMED[named[0]] if named else tuple(int(part) for part in _DIGITS.findall(text))
