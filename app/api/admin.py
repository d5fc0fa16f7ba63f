"""Who may change the knowledge base: whoever has the key, or, where none is set, programs of this machine.

The check comes before anything of a body is read. Multipart bodies are among those a browser sends to any site without
asking, so that a page of another site is refused by its `Origin`; where no key is set, a name that somebody else could
make point to this machine (DNS rebinding) is refused by `Host`.
"""

import hashlib
import hmac
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

from fastapi import Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.responses import Response

from app.api.origins import host_of, is_own, name_of
from app.domain.identities import is_this_machine
from app.errors import NotAllowed, NotIdentified

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
        if origin is not None and origin not in self.origins and not is_own(origin, host_of(request.headers)):
            raise NotAllowed("a page of another site asks")
        if self.key is None:
            self._check_place(request)
        elif not _equal(_token(request), self.key):
            raise NotIdentified("no key, or a wrong one")

    def _check_place(self, request: Request) -> None:
        if not self.loopback:
            raise NotAllowed("ADMIN_KEY is not set, and other machines can reach the service")
        if not is_this_machine(name_of(host_of(request.headers))):
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
