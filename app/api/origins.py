"""Which pages may ask: those of the service's own address, and those the settings name.

Browsers say in `Origin` whose page asks, and pages cannot alter it. Whether a page of another site may read an answer
is CORS' affair; that it may not act with a visitor's cookie, nor open a WebSocket with it, is decided here.
"""

import re
from dataclasses import dataclass

from starlette.datastructures import Headers

_PORTS = {"http": 80, "https": 443}
_PLACE = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
_OWN = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class OriginRules:
    """The origins, besides the service's own, whose pages may ask; exactly as browsers write them."""

    origins: frozenset[str] = frozenset()


def origin_allowed(headers: Headers, rules: OriginRules, *, secure: bool = False) -> bool:
    """Tell whether a request, or a WebSocket's handshake, may come from where its headers say it does.

    Without `Origin` it comes from no page of today's browsers, which send it with whatever changes something and with
    every WebSocket; an older one may say the same in `Sec-Fetch-Site`. `secure` tells that the connection is encrypted:
    a page that was not is then another site's.
    """
    given = headers.getlist("origin")
    if not given:
        return all(site in _OWN for site in headers.getlist("sec-fetch-site"))
    return len(given) == 1 and (given[0] in rules.origins or is_own(given[0], host_of(headers), secure=secure))


def is_own(origin: str, host: str, *, secure: bool = False) -> bool:
    """Tell whether an origin's host and port are the ones asked; without `secure`, its scheme is a proxy's affair."""
    scheme, _, place = origin.partition("://")
    if scheme not in _PORTS or (secure and scheme != "https"):
        return False
    theirs, ours = _place(place, scheme), _place(host, scheme)
    return theirs is not None and theirs == ours


def host_of(headers: Headers) -> str:
    """Return the host that was asked, with its port; empty where none, or more than one, was named."""
    given = headers.getlist("host")
    return given[0] if len(given) == 1 else ""


def name_of(host: str) -> str:
    """Return a host without its port, in lower case; empty for what is none."""
    place = _place(host, "http")
    return place[0].strip("[]") if place else ""


def _place(text: str, scheme: str) -> tuple[str, int] | None:
    """Return host and port; None for anything else, or more."""
    match = _PLACE.fullmatch(text)
    return match and (match["host"].lower(), int(match["port"] or _PORTS[scheme]))
