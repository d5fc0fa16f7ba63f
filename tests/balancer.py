"""A load balancer of the plainest kind: whoever connects is sent to an instance that says it is ready, once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.loopback_server import listening

_LOOK_SECONDS = 0.1
_CHUNK = 65536


@dataclass
class Balancer:
    """Joins clients with the newest of the instances that are ready. `refused` counts those it could join with none."""

    port: int = 0
    instances: list[int] = field(default_factory=list)
    ready: set[int] = field(default_factory=set)
    joined: int = 0
    refused: int = 0

    async def watch(self) -> None:
        """Ask every instance again and again whether it is ready."""
        async with httpx.AsyncClient(timeout=2.0, headers={"Connection": "close"}) as client:
            while True:
                await asyncio.gather(*(self._look(client, port) for port in tuple(self.instances)))
                await asyncio.sleep(_LOOK_SECONDS)

    async def sends_to(self, port: int) -> bool:
        """Tell whether clients are sent to an instance."""
        return port in self.ready

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client with an instance until one of the two has had enough; none is tried a second time."""
        able = [port for port in self.instances if port in self.ready]
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", able[-1])
        except (OSError, IndexError):
            self.refused += 1
            return
        self.joined += 1
        asking = asyncio.create_task(_passed_on(reader, back_writer))
        try:
            await _passed_on(back_reader, writer)
        finally:
            asking.cancel()
            await asyncio.wait({asking})
            back_writer.close()

    async def _look(self, client: httpx.AsyncClient, port: int) -> None:
        try:
            reply = await client.get(f"http://127.0.0.1:{port}/readyz")
        except httpx.TransportError:
            self.ready.discard(port)
            return
        (self.ready.add if reply.status_code == 200 else self.ready.discard)(port)


@asynccontextmanager
async def balancing() -> AsyncIterator[Balancer]:
    """Run a balancer for the length of a block."""
    balancer = Balancer()
    async with listening(balancer.take) as port:
        balancer.port = port
        watching = asyncio.create_task(balancer.watch())
        try:
            yield balancer
        finally:
            watching.cancel()
            await asyncio.wait({watching})


async def _passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
