"""The door in front of the API: whoever may not in is refused before anything of a request is read, or done.

Everything below `GateRules.prefixes` is shut where keys are required; what is open is named here. Routes for
administrators have a lock of their own in front of everything; where no ADMIN_KEY is set, this one is shut as well.
Real-time channels are opened to pages of our own alone, and ask themselves who is there before they do anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qs

from fastapi.routing import iter_route_contexts
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.admin import AdminRoute
from app.api.callers import caller_of, cookie_name, credentials_of, is_secure
from app.api.negotiation import wants_page
from app.api.origins import OriginRules, origin_allowed
from app.api.problems import respond
from app.domain.identities import Caller, SessionCookie
from app.errors import NotAllowed, NotIdentified, ServiceError

PUBLIC = frozenset({("GET", "/chat/health")})
"""Method and path, below the API's prefix, of what is open even where keys are required."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
_CLOSED_FOR_POLICY = 1008


@dataclass(frozen=True, slots=True)
class GateRules:
    """`prefix` is where the versioned API begins; `channels` are the beginnings of the real-time channels' paths.

    `require_key` tells whether whoever comes without credentials is refused, `admin_key` whether ADMIN_KEY is set.
    """

    prefix: str
    origins: OriginRules = field(default_factory=OriginRules)
    require_key: bool = False
    admin_key: bool = False
    channels: tuple[str, ...] = ("/ws/", "/socket.io")

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The beginnings of all paths that are shut unless something says otherwise."""
        return (f"{self.prefix}/", "/v1/", *self.channels)


class Gate:
    """Refuses who may not ask, and sends the cookies of sessions that began, or got a new id.

    It belongs behind whatever turns exceptions into responses, and where the path's route is known.
    """

    def __init__(self, app: ASGIApp, rules: GateRules) -> None:
        self._app = app
        self._rules = rules
        self._admin: frozenset[str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or connection, or raise NotIdentified, NotAllowed or StoreFailed."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            await self._admit(connection)
        except ServiceError as error:
            if scope["type"] == "http":
                raise
            await _deny(error, scope, receive, send)
            return
        await self._app(scope, receive, _with_cookie(connection, send))

    async def _admit(self, connection: HTTPConnection) -> None:
        scope = connection.scope
        path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
        if not path.startswith(self._rules.prefixes) and scope["type"] == "http":
            await _greet(connection, path)
            return
        self._check_origin(connection, path)
        if self._is_open(scope, path):
            return
        given = credentials_of(connection)
        known = given.bearer is not None or given.session is not None
        # Whoever brings nothing gets a session when something asks who it is; on a channel that would be too late.
        if known or self._rules.require_key or self._begins(connection, path):
            await self._identify(connection, path)

    async def _identify(self, connection: HTTPConnection, path: str) -> None:
        """Find out who asks; raises NotIdentified, but for channels: on those a key may be given after the handshake.

        Browsers cannot send one with it. A channel asks who is there before it does anything.
        """
        try:
            await caller_of(connection)
        except NotIdentified:
            if not path.startswith(self._rules.channels):
                raise

    def _check_origin(self, connection: HTTPConnection, path: str) -> None:
        """Refuse pages of other sites that act, or open a channel, by a visitor's cookie or with nothing.

        With nothing, because a form that is sent here from elsewhere comes without the cookie, and would bring the
        visitor a new one in its place. A key no page of another site can send unless CORS lets it. Raises NotAllowed.
        """
        acts = connection.scope["type"] == "websocket" or connection.scope["method"] not in _SAFE
        channel = path.startswith(self._rules.channels)
        if "authorization" in connection.headers or not (acts or channel):
            return
        if not origin_allowed(connection.headers, self._rules.origins, secure=is_secure(connection)):
            raise NotAllowed("a page of another site asks")

    def _is_open(self, scope: Scope, path: str) -> bool:
        method = "GET" if scope.get("method") == "HEAD" else scope.get("method", "")
        if (method, path.removeprefix(self._rules.prefix)) in PUBLIC and path.startswith(self._rules.prefix):
            return True
        if self._admin is None:
            self._admin = _admin_paths(scope["app"].routes)
        locked = self._rules.admin_key or not self._rules.require_key
        return bool(locked and scope.get("route_template") in self._admin)

    def _begins(self, connection: HTTPConnection, path: str) -> bool:
        """Tell whether this opens a real-time channel: a WebSocket, or the first request of one that polls."""
        if not path.startswith(self._rules.channels):
            return bool(connection.scope["type"] == "websocket")
        return "sid" not in parse_qs(connection.scope.get("query_string", b"").decode("latin-1"))


async def _greet(connection: HTTPConnection, path: str) -> None:
    """Give a browser that opens the chat page its session, so that two first questions do not get one each."""
    if path == "/" and wants_page(connection.headers.get("accept", "")):
        try:
            await caller_of(connection)
        except ServiceError:
            # The page is for everybody; what it asks for then is refused, or answered.
            return


def _admin_paths(routes: Sequence[BaseRoute]) -> frozenset[str]:
    found = iter_route_contexts(routes)
    return frozenset(each.path_format or "" for each in found if isinstance(each.original_route, AdminRoute))


def _with_cookie(connection: HTTPConnection, send: Send) -> Send:
    async def sent(message: Message) -> None:
        caller = cast("Caller | None", getattr(connection.state, "caller", None))
        if message["type"] in _STARTS and caller is not None and caller.cookie is not None:
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            headers.append("Set-Cookie", _set_cookie(connection, caller.cookie))
            # Whoever kept this response for others would hand the session on.
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sent


def _set_cookie(connection: HTTPConnection, cookie: SessionCookie) -> str:
    carrier = Response()
    carrier.set_cookie(
        cookie_name(connection),
        cookie.value,
        max_age=cookie.max_age,
        path="/",
        secure=is_secure(connection),
        httponly=True,
        samesite="lax",
    )
    return carrier.headers["set-cookie"]


async def _deny(error: ServiceError, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a WebSocket's handshake, with the problem where the server can send it."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await respond(scope, error)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": _CLOSED_FOR_POLICY, "reason": error.code})
