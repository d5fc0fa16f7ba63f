"""Routes that take JSON and nothing else."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

_JSON = re.compile(r'application/json\s*(;\s*charset\s*=\s*("utf-8"|utf-8)\s*)?', re.IGNORECASE)


class JsonRoute(APIRoute):
    """A route that refuses a body of another type before reading it.

    A browser sends text/plain, with cookies, to any site without asking; JSON it asks for first.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with the content type checked in front."""
        handler = super().get_route_handler()
        if self.body_field is None:
            return handler

        async def checked(request: Request) -> Response:
            if _has_body(request) and not _is_json(request):
                raise HTTPException(415)
            return await handler(request)

        return checked


def _has_body(request: Request) -> bool:
    """Tell whether a body is announced; none at all is a field that is missing, not a wrong type."""
    headers = request.headers
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0" or "content-type" in headers


def _is_json(request: Request) -> bool:
    types = request.headers.getlist("content-type")
    return len(types) == 1 and _JSON.fullmatch(types[0].strip()) is not None
