"""Who may change the knowledge base: whoever has the key, or, where none is set, programs of this machine.

The check comes before anything of a body is read. Multipart bodies are among those a browser sends to any site without
asking, so that a page of another site is refused by its `Origin`; where no key is set, a name that somebody else could
make point to this machine (DNS rebinding) is refused by `Host`.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.responses import Response

from app.errors import NotAllowed, NotIdentified

_PORTS = {"http": 80, "https": 443}

bearer = HTTPBearer(auto_error=False, description="The key set as ADMIN_KEY.")
"""Documents how the key is sent; `AdminRoute` checks it."""


@dataclass(frozen=True, slots=True)
class AdminRules:
    """`key` is None where none is set; `loopback` tells whether only this machine can reach the service.

    `origins` are those whose pages may ask, besides our own.
    """

    key: str | None
    loopback: bool
    origins: frozenset[str] = frozenset()

    def check(self, request: Request) -> None:
        """Raise NotIdentified or NotAllowed for who may not do this."""
        origin = request.headers.get("origin")
        if origin is not None and origin not in self.origins and not _same_site(origin, _host(request)):
            raise NotAllowed("a page of another site asks")
        if self.key is None:
            self._check_place(request)
        elif not _equal(_token(request), self.key):
            raise NotIdentified("no key, or a wrong one")

    def _check_place(self, request: Request) -> None:
        if not self.loopback:
            raise NotAllowed("ADMIN_KEY is not set, and other machines can reach the service")
        if not _is_here(_place(f"//{_host(request)}")[0]):
            raise NotAllowed("ADMIN_KEY is not set, and Host names another machine")


class AdminRoute(APIRoute):
    """A route for administrators: who is none is refused before anything is read or done."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with the check in front."""
        handler = super().get_route_handler()

        async def checked(request: Request) -> Response:
            cast("AdminRules", request.state.admin).check(request)
            return await handler(request)

        return checked


def _token(request: Request) -> str:
    given = request.headers.getlist("authorization")
    scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _equal(given: str, key: str) -> bool:
    """Compare in a time that tells nothing, not even the length."""
    one, other = (hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest() for text in (given, key))
    return hmac.compare_digest(one, other)


def _host(request: Request) -> str:
    given = request.headers.getlist("host")
    return given[0] if len(given) == 1 else ""


def _same_site(origin: str, host: str) -> bool:
    """Tell whether an origin's host and port are the ones that were asked; the scheme is a proxy's affair."""
    scheme = origin.partition(":")[0]
    if scheme not in _PORTS:
        return False
    theirs, ours = _place(origin), _place(f"//{host}")
    default = _PORTS[scheme]
    return bool(theirs[0]) and (theirs[0], theirs[1] or default) == (ours[0], ours[1] or default)


def _place(url: str) -> tuple[str, int | None]:
    """Return host and port; an empty host where there is none, or anything else beside them."""
    try:
        parts = urlsplit(url)
        place = (parts.hostname or "", parts.port)
    except ValueError:
        return "", None
    return (
        place if "@" not in parts.netloc and not parts.path and not parts.query and not parts.fragment else ("", None)
    )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"localhost", "localhost."}
