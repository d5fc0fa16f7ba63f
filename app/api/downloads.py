"""Files that are written while they are sent. One that could not be written to its end does not look as if it were."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from contextvars import Context

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.leaving import gone, stop
from app.api.problems import log, problem_of
from app.errors import ServiceError
from app.logs import request_id

WRITE_SECONDS = 30.0
"""How long a client may take to read one piece."""


async def open_download(request: Request, pieces: AsyncGenerator[str, None], name: str, media_type: str) -> Response:
    """Return the response that sends these pieces as an attachment; raises what writing the first one raises."""
    try:
        first = await anext(pieces)
    except BaseException:
        await pieces.aclose()
        raise
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Download(request.url.path, first, pieces, headers, media_type)


class Download(Response):
    """Sends text in pieces until the end, or until the client is gone or no longer reads."""

    def __init__(
        self, path: str, first: str, pieces: AsyncGenerator[str, None], headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(headers=dict(headers), media_type=media_type)
        del self.headers["content-length"]
        self._path = path
        self._first = first
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Send the file."""
        # What has begun has no deadline: a context of its own leaves the request's behind.
        apart = Context()
        apart.run(request_id.set, request_id.get())
        sending = asyncio.get_running_loop().create_task(self._send_all(send), context=apart)
        leaving = asyncio.ensure_future(gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            await stop(sending, leaving)
            await self._pieces.aclose()

    async def _send_all(self, send: Send) -> None:
        """Send everything; where that fails, the last piece is never sent, and the server cuts the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            await self._write(send, self._first)
            async with aclosing(self._pieces) as pieces:
                async for piece in pieces:
                    await self._write(send, piece)
        except TimeoutError:
            return
        except ServiceError as error:
            log(error, problem_of(error, self._path))
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, send: Send, piece: str) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
