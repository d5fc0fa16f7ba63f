"""Who calls a route: what a request came with, asked of the one authorisation there is."""

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from app.domain.identities import Caller, Credentials
from app.services.bundle import Services

SESSION_COOKIE = "itsupport_session"


def credentials_of(connection: HTTPConnection) -> Credentials:
    """Return what a request, or a WebSocket's handshake, came with; two keys at once are a wrong one."""
    given = connection.headers.getlist("authorization")
    return Credentials(_token(given) if given else None, connection.cookies.get(SESSION_COOKIE))


async def caller_of(connection: HTTPConnection) -> Caller:
    """Return who calls; raises NotIdentified."""
    services = cast("Services", connection.state.services)
    return await services.access.caller(credentials_of(connection))


CallerDep = Annotated[Caller, Depends(caller_of)]


def _token(given: list[str]) -> str:
    scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
