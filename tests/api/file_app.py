"""The routes of files in an application of their own, over a reading process, and a server that runs it."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import uvicorn
from fakes import until
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app.api import middleware, openapi, problems
from app.api.admin import AdminRules
from app.api.v1 import chat, files
from app.domain.identities import Caller, CallerKind, Credentials
from app.errors import NotIdentified, ServiceError
from tests.file_builders import MEGA, Place, files_at

BASE = "/api/v1/files"


class Names:
    """Knows callers by their key, which is their name; a cookie is a session."""

    async def caller(self, given: Credentials) -> Caller:
        if given.bearer == "nobody":
            raise NotIdentified("no such key")
        kind = CallerKind.SESSION if given.session else CallerKind.KEY
        return Caller(given.bearer or given.session or "anonymous", kind)

    async def check(self, caller: Caller) -> None:
        assert caller.owner


@dataclass
class Server:
    """A running application: its place, its address, and how late its loop was, each time, in seconds."""

    place: Place | None = None
    port: int = 0
    lags: list[float] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def application(server: Server, most: int = 11 * MEGA, **given: Any) -> FastAPI:
    """Return an application with the order of middleware the service has."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        looking = asyncio.create_task(_look(server.lags))
        async with files_at(most=most, **given) as place:
            server.place = place
            services = SimpleNamespace(files=place.files, chat=place.chat, access=Names())
            yield {"services": services, "admin": AdminRules(key=None, loopback=True)}
        looking.cancel()

    app = FastAPI(
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        middleware=[
            Middleware(middleware.RequestId),
            Middleware(middleware.Paths),
            Middleware(middleware.LastResort),
            Middleware(middleware.BodyCap, most=16 * 1024, larger={BASE: 2 * most}),
            Middleware(middleware.Deadline, seconds=60.0),
        ],
        exception_handlers={
            HTTPException: problems.handle,
            RequestValidationError: problems.handle,
            ServiceError: problems.handle,
        },
    )
    app.include_router(files.router, prefix="/api/v1")
    app.include_router(chat.router, prefix="/api/v1")
    app.openapi = openapi.describe(app)  # type: ignore[method-assign] # the way FastAPI documents
    return app


async def _look(lags: list[float], every: float = 0.01) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(every)
        lags.append(max(0.0, time.perf_counter() - before - every))


@contextmanager
def serving(**given: Any) -> Iterator[tuple[TestClient, Server]]:
    """Run the application and yield a client of it; any exception that escapes fails the test."""
    server = Server()
    with TestClient(application(server, **given), base_url="http://localhost:8000") as client:
        yield client, server


@contextmanager
def listening(**given: Any) -> Iterator[Server]:
    """Run the application in a real server on a free port."""
    found = Server()
    config = uvicorn.Config(application(found, **given), port=0, log_config=None, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        found.port = server.servers[0].sockets[0].getsockname()[1]
        yield found
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()
