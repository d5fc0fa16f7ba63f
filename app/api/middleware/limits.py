"""How much and how long: a cap on bodies, and a deadline for everything but streams."""

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import DeadlineExceeded

_DIGITS = 18


class BodyCap:
    """Refuses bodies over `most` bytes: announced ones before anything is read, chunked ones as they pass it."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._counted = RequestBodyLimitMiddleware(app, max_body_size=most)
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or raise HTTPException 413."""
        announced = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if announced.isdecimal() and (len(announced) > _DIGITS or int(announced) > self._most):
            raise HTTPException(413)
        await self._counted(scope, receive, send)


class Deadline:
    """Gives a response `seconds` to begin; one that has begun, a stream above all, is not cut off."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises DeadlineExceeded, having cancelled the work."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def begun(message: Message) -> None:
            if message["type"] == "http.response.start" and not limit.expired():
                limit.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._app(scope, receive, begun)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"no response within {self._seconds} s") from error
