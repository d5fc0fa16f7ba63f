"""A client that takes little of the cores it shares with the server: raw HTTP/1.1 on a kept connection."""

import asyncio
import json
import re
from types import TracebackType
from typing import Any, Self

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_STATUS = slice(9, 12)


def post(path: str, body: Any) -> bytes:
    """Return a POST of JSON as it goes over the wire."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


class Connection:
    """One connection to a server on this machine, for one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Return the status and the body; raises ValueError for a reply without a length."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None:
            raise ValueError(f"no length: {head[:200]!r}")
        return int(head[_STATUS]), await self._reader.readexactly(int(length[1]))
