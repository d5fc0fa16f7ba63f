"""A server on a free port of this machine that leaves nothing behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ACCEPTED_SECONDS = 0.01
"""After this, whoever was accepted last has a handler: only then can it be closed."""


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """Yield the port that `serve` answers; at the end every connection is closed and every handler over."""
    open_ones: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            open_ones.discard(writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(ACCEPTED_SECONDS)
        for writer in [*open_ones]:
            writer.transport.abort()
        async with asyncio.timeout(5):
            while open_ones:  # noqa: ASYNC110 - the handlers end by themselves
                await asyncio.sleep(0.001)
