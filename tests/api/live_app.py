"""The real-time channels over a chat that needs no models; run as a program, an instance of its own."""

import argparse
import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware

from app.adapters.caches.redis_cache import RedisCache
from app.adapters.stores.memory_store import MemoryStore
from app.adapters.stores.sqlite_store import SqliteStore
from app.api import middleware
from app.api.origins import OriginRules
from app.api.realtime import websocket
from app.api.realtime.channel import RealTime
from app.api.realtime.encoding import WireEncoder
from app.api.realtime.farewell import before_exit
from app.api.realtime.protocol import LiveProtocol
from app.api.realtime.socketio_channel import SocketIo
from app.container.live import open_live
from app.ports import ConversationStore
from app.services.admission import Admission
from app.services.live.rules import LiveRules
from app.services.live.service import Live
from app.services.seams import Access, Anybody
from tests.live_builders import TalkingChat


@dataclass
class Parts:
    """What an instance is made of."""

    store: ConversationStore = field(default_factory=MemoryStore)
    access: Access = field(default_factory=Anybody)
    rules: LiveRules = field(default_factory=LiveRules)
    origins: OriginRules = field(default_factory=OriginRules)
    redis_url: str | None = None
    pace: float = 0.0
    places: int = 16
    queue: int = 128
    chat: TalkingChat = field(init=False)
    live: Live = field(init=False)

    def __post_init__(self) -> None:
        self.chat = TalkingChat(self.store, self.pace)
        self.admission = Admission(self.places, self.queue, 0.5)


@dataclass
class _Services:
    access: Access


def application(parts: Parts) -> FastAPI:
    sockets = SocketIo(ping_seconds=10)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            leases = None
            if parts.redis_url is not None:
                leases = await stack.enter_async_context(RedisCache(parts.redis_url, 60))
            parts.live = await stack.enter_async_context(
                open_live(
                    chat=parts.chat,
                    store=parts.store,
                    access=parts.access,
                    admission=parts.admission,
                    encoder=WireEncoder(),
                    names=("Mia", "Noah"),
                    rules=parts.rules,
                    leases=leases,
                    redis_url=parts.redis_url,
                )
            )
            await stack.enter_async_context(sockets.running())
            stack.enter_context(before_exit(parts.live.farewell))
            yield {"services": _Services(parts.access), "realtime": RealTime(parts.live, parts.origins)}

    stripped = Middleware(middleware.StripHeaders, names=("X-Forwarded-Host",))
    app = FastAPI(lifespan=lifespan, middleware=[Middleware(middleware.RequestId), stripped])
    app.include_router(websocket.router)
    app.mount("/socket.io", sockets)
    return app


class _Quiet(uvicorn.Server):
    """Leaves the signals of the test run alone."""

    def capture_signals(self) -> Any:
        return nullcontext()


def config(parts: Parts, port: int = 0) -> uvicorn.Config:
    return uvicorn.Config(
        application(parts),
        port=port,
        log_config=None,
        ws=LiveProtocol,
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=10,
    )


@asynccontextmanager
async def serving(parts: Parts | None = None, *, narrow: bool = False) -> AsyncIterator[tuple[Parts, int]]:
    """Serve on a free port, in this loop; `narrow` has the kernel hold little of what was sent."""
    parts = parts or Parts()
    server = _Quiet(config(parts))
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.01)
        listening = server.servers[0].sockets[0]
        if narrow:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        yield parts, listening.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 15)


async def _serve(given: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        store: ConversationStore = MemoryStore()
        if given.database:
            store = await stack.enter_async_context(SqliteStore(Path(given.database)))
        parts = Parts(store=store, redis_url=given.redis, pace=given.pace, places=256)
        await uvicorn.Server(config(parts, given.port)).serve()


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis")
    parser.add_argument("--database")
    parser.add_argument("--pace", type=float, default=0.0)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
