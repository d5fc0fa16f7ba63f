"""Who is asking for what: the request's id, and one line in the log for every request."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import CLIENT_GONE
from app.logs import request_id

logger = logging.getLogger("app.access")

_SANE = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestId:
    """Keeps a sane `X-Request-ID` or makes one; log records and every response carry it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request under its id."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope).get("x-request-id", "")
        chosen = asked if _SANE.fullmatch(asked) else uuid.uuid4().hex

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = chosen
            await send(message)

        token = request_id.set(chosen)
        try:
            await self._app(scope, receive, named)
        finally:
            request_id.reset(token)


class AccessLog:
    """Writes one event for every request: method, route template, status, duration. Never what was asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = CLIENT_GONE

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, noted)
        finally:
            took = round((time.perf_counter() - began) * 1000, 1)
            route = scope.get("route_template", "-")
            extra = {"method": scope["method"], "route": route, "status": status, "ms": took}
            logger.info("request", extra=extra)
