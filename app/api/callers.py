"""Who calls a route: what a request came with, asked of the one authorisation there is."""

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from app.api.negotiation import wants_page
from app.api.origins import host_of, name_of
from app.domain.identities import Caller, Credentials, is_this_machine
from app.services.bundle import Services

SESSION_COOKIE = "itsupport_session"
# A browser takes a cookie of this name over an encrypted connection alone, from this host alone.
SECURE_SESSION_COOKIE = f"__Host-{SESSION_COOKIE}"

_CALLER = "caller"
_RELAYED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
_BROWSERS = ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "origin")


def credentials_of(connection: HTTPConnection) -> Credentials:
    """Return what a request, or a WebSocket's handshake, came with; two keys at once are a wrong one."""
    given = connection.headers.getlist("authorization")
    apart = is_browser(connection) or not is_here(connection)
    return Credentials(_token(given) if given else None, connection.cookies.get(cookie_name(connection)), apart)


async def caller_of(connection: HTTPConnection) -> Caller:
    """Return who calls, the same for all who ask about one request; raises NotIdentified, StoreFailed."""
    known: Caller | None = getattr(connection.state, _CALLER, None)
    if known is None:
        services = cast("Services", connection.state.services)
        known = await services.access.caller(credentials_of(connection))
        note(connection, known)
    return known


CallerDep = Annotated[Caller, Depends(caller_of)]


def note(connection: HTTPConnection, caller: Caller) -> None:
    """Note who calls; a cookie that goes with it is sent with the response, where that has not begun."""
    setattr(connection.state, _CALLER, caller)


def cookie_name(connection: HTTPConnection) -> str:
    """Return the name the session's cookie has on a connection of this kind."""
    return SECURE_SESSION_COOKIE if is_secure(connection) else SESSION_COOKIE


def is_secure(connection: HTTPConnection) -> bool:
    """Tell whether a connection is encrypted, as far as the server knows."""
    return connection.scope.get("scheme") in {"https", "wss"}


def is_browser(connection: HTTPConnection) -> bool:
    """Tell whether a browser asks.

    Today's browsers send `Sec-Fetch-*` to encrypted and to local addresses, and `Origin` with whatever changes
    something; before that they navigate, asking for HTML. Programs send none of this unless they want to.
    """
    headers = connection.headers
    return any(name in headers for name in _BROWSERS) or wants_page(headers.get("accept", ""))


def is_here(connection: HTTPConnection) -> bool:
    """Tell whether a program of this machine asks, directly and by a name that can only be this machine's.

    A page of another site whose name was made to point here (DNS rebinding) is told by `Host`, and a proxy on this
    machine, which brings requests of others, by what it adds.
    """
    client = connection.client
    # None for a socket in the file system.
    near = client is None or is_this_machine(client.host)
    relayed = any(name in connection.headers for name in _RELAYED)
    return near and not relayed and is_this_machine(name_of(host_of(connection.headers)))


def _token(given: list[str]) -> str:
    scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
