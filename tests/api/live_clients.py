"""Clients of the real-time channels, as their users write them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import socketio  # type: ignore[import-untyped]
from websockets.asyncio.client import ClientConnection, connect

Told = dict[str, Any]


class Line:
    """One WebSocket: what it is told, event by event."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.name = ""

    async def send(self, **event: Any) -> None:
        await self.socket.send(json.dumps(event))

    async def next(self, seconds: float = 5.0) -> Told:
        async with asyncio.timeout(seconds):
            told: Told = json.loads(await self.socket.recv())
        return told

    async def until(self, *names: str, seconds: float = 10.0) -> list[Told]:
        """Return what is told up to the first event of one of these names."""
        heard: list[Told] = []
        async with asyncio.timeout(seconds):
            while not heard or heard[-1]["type"] not in names:
                heard.append(await self.next(seconds))
        return heard

    async def closed(self, seconds: float = 5.0) -> int:
        """Return the code it is closed with."""
        async with asyncio.timeout(seconds):
            await self.socket.wait_closed()
        return self.socket.close_code or 0


@asynccontextmanager
async def line(port: int, *, greeted: bool = True, **options: Any) -> AsyncIterator[Line]:
    """Open a WebSocket; `greeted` takes in its first two events."""
    async with connect(f"ws://127.0.0.1:{port}/ws/chat", **options) as socket:
        opened = Line(socket)
        if greeted:
            opened.name = (await opened.next())["supporter_name"]
            assert (await opened.next())["type"] == "greeting"
        yield opened


def text_of(heard: list[Told]) -> str:
    """Return the text a client shows that forgets what was said before a restart."""
    text = ""
    for event in heard:
        if event["type"] == "restart":
            text = ""
        text += event.get("delta", "") if event["type"] == "message" else ""
    return text


def key(name: str) -> dict[str, Any]:
    return {"additional_headers": {"Authorization": f"Bearer key-{name}"}}


class Phone:
    """One Socket.IO client: what it is told, event by event."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.client.on("*", self._hear)
        self.client.on("disconnect", self._leave)

    async def _hear(self, name: str, data: Any = None) -> None:
        await self.heard.put((name, data))

    async def _leave(self, *_reason: Any) -> None:
        self.gone.set()

    async def call(self, name: str, data: Any = None) -> Told:
        told: Told = await self.client.call(name, data, timeout=5)
        return told

    async def until(self, *names: str, seconds: float = 10.0) -> list[tuple[str, Any]]:
        heard: list[tuple[str, Any]] = []
        async with asyncio.timeout(seconds):
            while not heard or heard[-1][0] not in names:
                heard.append(await self.heard.get())
        return heard


@asynccontextmanager
async def phone(port: int, **options: Any) -> AsyncIterator[Phone]:
    opened = Phone()
    await opened.client.connect(f"http://127.0.0.1:{port}", **options)
    try:
        yield opened
    finally:
        await opened.client.disconnect()
        await opened.client.eio.disconnect()
