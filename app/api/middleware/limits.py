"""How much and how long: a cap on bodies, and a deadline for everything but streams."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain import deadline
from app.errors import DeadlineExceeded

_DIGITS = 18

Number = TypeVar("Number", int, float)


class BodyCap:
    """Refuses bodies over `most` bytes: announced ones before anything is read, chunked ones as they pass it.

    `larger` gives paths (what they are, or begin with up to a slash) a cap of their own.
    """

    def __init__(self, app: ASGIApp, most: int, larger: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._most = most
        self._larger = tuple((larger or {}).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or raise HTTPException 413."""
        most = self._cap(scope)
        announced = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if announced.isdecimal() and (len(announced) > _DIGITS or int(announced) > most):
            raise HTTPException(413)
        await RequestBodyLimitMiddleware(self._app, max_body_size=most)(scope, receive, send)

    def _cap(self, scope: Scope) -> int:
        return _of_path(scope, self._larger, self._most)


class Deadline:
    """Gives a response `seconds` to begin; one that has begun, a stream above all, is not cut off.

    `longer` gives paths (what they are, or begin with up to a slash) a time of their own.
    """

    def __init__(self, app: ASGIApp, seconds: float, longer: Mapping[str, float] | None = None) -> None:
        self._app = app
        self._seconds = seconds
        self._longer = tuple((longer or {}).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises DeadlineExceeded, having cancelled the work."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def begun(message: Message) -> None:
            if message["type"] == "http.response.start" and not limit.expired():
                limit.reschedule(None)
            await send(message)

        seconds = _of_path(scope, self._longer, self._seconds)
        try:
            with deadline.within(seconds):
                async with asyncio.timeout(seconds) as limit:
                    await self._app(scope, receive, begun)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"no response within {seconds} s") from error


def _of_path(scope: Scope, special: Sequence[tuple[str, Number]], usual: Number) -> Number:
    path = str(scope.get("path", "")).removeprefix(scope.get("root_path", "")) + "/"
    return next((value for start, value in special if path.startswith(f"{start}/")), usual)
