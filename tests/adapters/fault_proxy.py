"""A TCP proxy that does wrong what networks do wrong, for any protocol. Its faults may be changed at any time."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_CHUNK = 65536


@dataclass
class Faults:
    """What goes wrong; nothing as long as nothing is set.

    `latency` is waited before every piece of a reply, in seconds. `blackhole` swallows everything in both directions
    while connections stay open and new ones are taken. `refuse` resets new connections. `cut_after` lets so many more
    bytes of replies through, of all connections together, and then resets each that gets more. `lose_replies` lets
    requests through, and resets the connection where the reply would come. `garble` answers with these bytes instead.
    """

    latency: float = 0.0
    blackhole: bool = False
    refuse: bool = False
    cut_after: int | None = None
    lose_replies: bool = False
    garble: bytes | None = None


@dataclass
class FaultProxy:
    """Stands between clients and a server on this machine. `lost` counts the replies that did not arrive whole."""

    target: int
    port: int = 0
    faults: Faults = field(default_factory=Faults)
    connections: int = 0
    lost: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _ended: bool = False

    def heal(self) -> None:
        """Do everything right again; connections that were open stay as they are."""
        self.faults = Faults()

    def reset_all(self) -> None:
        """Reset every connection there is, on both sides."""
        for writer in tuple(self._open):
            _reset(writer)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client with the server."""
        self.connections += 1
        if self.faults.refuse:
            _reset(writer)
            return
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        self._open |= {writer, back_writer}
        if self._ended:
            self.reset_all()
            return
        ways = (self._requests(reader, back_writer), self._replies(back_reader, writer, back_writer))
        self._tasks.update(asyncio.create_task(_until_broken(way)) for way in ways)

    async def end(self) -> None:
        """Reset what is open, and wait for what that ends."""
        self._ended = True
        self.reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Whoever was just being joined, and the transports, have something left to do.
        await asyncio.sleep(0.01)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            if not self.faults.blackhole:
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _replies(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(_CHUNK):
            await asyncio.sleep(self.faults.latency)
            passed = self._passed(data)
            if passed:
                writer.write(passed)
                await writer.drain()
            if self.faults.lose_replies or (len(passed) < len(data) and not self.faults.blackhole):
                self.lost += 1
                _reset(writer)
                _reset(server)
                return
        writer.close()

    def _passed(self, data: bytes) -> bytes:
        """Return what a client gets of a piece of a reply."""
        if self.faults.blackhole or self.faults.lose_replies:
            return b""
        if self.faults.garble is not None:
            return self.faults.garble
        if self.faults.cut_after is None:
            return data
        passed = data[: self.faults.cut_after]
        self.faults.cut_after -= len(passed)
        return passed


@asynccontextmanager
async def proxied(target: int) -> AsyncIterator[FaultProxy]:
    """Run a proxy to a port for the length of a block."""
    proxy = FaultProxy(target)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        # Whoever was accepted last has a handler only now.
        await asyncio.sleep(0.01)
        await proxy.end()


async def _until_broken(way: Awaitable[None]) -> None:
    with suppress(OSError):
        await way


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection as a crash would: with a reset, not a goodbye."""
    peer = writer.get_extra_info("socket")
    if peer is not None and not writer.transport.is_closing():
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
