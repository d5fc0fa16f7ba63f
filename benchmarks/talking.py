"""A client that takes little of the cores it shares with the server: raw HTTP/1.1 on kept connections."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_STATUS = slice(9, 12)
_END = b"\r\n\r\n"

Came = Callable[[int, bytes], None]
"""Takes a reply's status and body; status 0 means that the connection was lost."""


def post(path: str, body: Any) -> bytes:
    """Return a POST of JSON as it goes over the wire."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def connect(port: int) -> "Wire":
    """Return a connection to a server on this machine."""
    _, wire = await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", port)
    return wire


class Wire(asyncio.Protocol):
    """One connection, for one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport
        self._buffer = b""
        self._came: Came | None = None
        self.lost = False
        """The server has closed it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell whoever waits."""
        self.lost = True
        self._tell(0, b"")

    def data_received(self, data: bytes) -> None:
        """Take a piece of a reply, and hand the reply on once it is whole."""
        self._buffer += data
        end = self._buffer.find(_END)
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end)
        whole = end + len(_END) + (int(length[1]) if length else 0)
        if len(self._buffer) >= whole:
            reply, self._buffer = self._buffer[:whole], self._buffer[whole:]
            self._tell(int(reply[_STATUS]), reply[end + len(_END) :])

    def send(self, request: bytes, came: Came) -> None:
        """Send a request; `came` is called when the reply is whole."""
        self._came = came
        self._transport.write(request)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return the reply's status and body."""
        reply: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self.send(request, lambda status, body: reply.set_result((status, body)))
        return await reply

    def close(self) -> None:
        """Close the connection."""
        self._came = None
        self._transport.close()

    def _tell(self, status: int, body: bytes) -> None:
        came, self._came = self._came, None
        if came is not None:
            came(status, body)
