"""Paths and methods: a slash more or less, HEAD, and what nobody else has caught."""

from collections.abc import Sequence
from dataclasses import dataclass
from re import Pattern

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import ErrorShape, respond


@dataclass(frozen=True, slots=True)
class _Known:
    template: str
    pattern: Pattern[str]
    methods: frozenset[str]
    error_shape: ErrorShape | None


class Paths:
    """Finds what is known of a path: its route template, its methods, the shape of its errors.

    A path known only with, or without, its last slash is that path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._known: tuple[_Known, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request under the path that is known."""
        if scope["type"] in {"http", "websocket"}:
            self._known = self._known or _known(scope["app"].routes)
            self._settle(scope)
        await self._app(scope, receive, send)

    def _settle(self, scope: Scope) -> None:
        root = scope.get("root_path", "")
        asked = str(scope["path"])
        for path in (asked, asked[:-1] if asked.endswith("/") else f"{asked}/"):
            matches = [known for known in self._known if known.pattern.match(path.removeprefix(root))]
            if matches:
                scope["path"] = path
                scope["route_template"] = matches[0].template
                scope["error_shape"] = matches[0].error_shape
                scope["allowed_methods"] = frozenset[str]().union(*(known.methods for known in matches))
                return


def _known(routes: Sequence[BaseRoute]) -> tuple[_Known, ...]:
    found = []
    for context in iter_route_contexts(routes):
        methods = frozenset(context.methods or ())
        found.append(
            _Known(
                context.path_format or "",
                context.path_regex,
                methods | {"HEAD"} if "GET" in methods else methods,
                getattr(context.original_route, "error_shape", None),
            )
        )
    return tuple(found)


class HeadAsGet:
    """Answers HEAD wherever GET is answered: the same headers, and no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; HEAD reaches the routes as GET."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, bodiless)


class LastResort:
    """Turns whatever was raised into a problem, as long as no response has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; an error after the response began is the server's to end the connection for."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # the one place where nothing may pass
            if begun:
                raise
            await respond(scope, error)(scope, receive, send)
