"""Engine.IO's packets as they arrive: what is none is made one that Socket.IO's guard refuses and answers.

Left to itself Engine.IO ends a connection on such a packet by an exception, and forgets to clean up after it.
"""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

WRONG = "4!"
"""A message of Engine.IO's that is none of Socket.IO's."""

_ALWAYS = frozenset("134")
_AT_FIRST = frozenset("25")
_FIRST = 2
_SEPARATOR = "\x1e"
_MOST_PACKETS = 16
_TOO_LARGE = 413


def sound(packet: str, *, first: bool = False) -> str:
    """Return a packet a client may send: a message, a pong, a good-bye; an upgrade only at the `first`."""
    kind = packet[:1]
    return packet if kind in _ALWAYS or (first and kind in _AT_FIRST) else WRONG


def screened(receive: Receive) -> Receive:
    """Return a WebSocket's `receive` that gives sound packets alone; binary ones are messages, and refused as such."""
    count = 0

    async def screen() -> Message:
        nonlocal count
        message = await receive()
        if message["type"] == "websocket.receive":
            count += 1
            if message.get("text") is not None:
                return {"type": "websocket.receive", "text": sound(message["text"], first=count <= _FIRST)}
            # Empty ones would be taken for the end.
            return {"type": "websocket.receive", "bytes": message.get("bytes") or b"\0"}
        return message

    return screen


async def screened_body(scope: Scope, receive: Receive, most: int) -> tuple[Scope, Receive]:
    """Return a polling client's POST with sound packets alone; raises HTTPException 413, or 400 for too many."""
    body = await _body(scope, receive, most)
    packets = [sound(packet) for packet in body.decode(errors="replace").split(_SEPARATOR)]
    if len(packets) > _MOST_PACKETS:
        raise HTTPException(400)
    clean = _SEPARATOR.join(packets).encode()
    headers = [pair for pair in scope["headers"] if pair[0].lower() != b"content-length"]

    async def given() -> Message:
        return {"type": "http.request", "body": clean, "more_body": False}

    return {**scope, "headers": [*headers, (b"content-length", str(len(clean)).encode())]}, given


async def _body(scope: Scope, receive: Receive, most: int) -> bytes:
    announced = Headers(scope=scope).get("content-length", "0")
    if not announced.isdecimal() or len(announced) > len(str(most)) or int(announced) > most:
        raise HTTPException(_TOO_LARGE)
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if len(body) > most:
            raise HTTPException(_TOO_LARGE)
        if not message.get("more_body"):
            break
    return body
