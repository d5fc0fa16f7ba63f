"""The application with the one authorisation in it, over stores in memory; and clients of it."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from fakes import Fakes, settings
from fastapi import FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from app.adapters.stores.memory_store import MemoryStore
from app.api.callers import caller_of
from app.application import create_app
from app.config import Settings
from app.errors import NotIdentified
from app.services.bundle import Services
from tests.access_builders import World

HERE = "http://127.0.0.1:8000"
CHAT = "/api/v1/chat/"
CURRENT = "/api/v1/sessions/current"
SESSIONS = "/api/v1/sessions"
ASKED = {"query": "x"}


def application(world: World, fakes: Fakes, **service: Any) -> FastAPI:
    """Return the application, with a WebSocket and something that polls beside its own routes."""

    @asynccontextmanager
    async def opened(_settings: Settings) -> AsyncIterator[Services]:
        yield Services(fakes.chat, fakes.search, fakes.health, MemoryStore(), access=world.access)

    app = create_app(settings(**service), open_services=opened)
    polled = Route("/socket.io/", _polled, methods=["GET", "POST"])
    app.router.routes.extend([WebSocketRoute(path, _greet) for path in ("/ws/probe", "/probe")] + [polled])
    return app


@contextmanager
def serving(world: World, fakes: Fakes | None = None, base: str = HERE, **service: Any) -> Iterator[TestClient]:
    """Run the application and yield a client of this machine."""
    app = application(world, fakes or Fakes(), **service)
    with TestClient(app, base_url=base, client=("127.0.0.1", 50000)) as client:
        yield client


def forgetful(client: TestClient) -> TestClient:
    """Return a client without the cookies."""
    client.cookies.clear()
    return client


async def key_of(world: World, name: str, owner: str | None = None) -> dict[str, str]:
    """Return the headers of a new key."""
    token, _ = await world.desk.issue(name, owner)
    return {"Authorization": f"Bearer {token}"}


def took(client: TestClient, method: str, path: str) -> tuple[int, float]:
    """Return status and seconds of a request without anything."""
    began = time.perf_counter()
    status = client.request(method, path).status_code
    return status, time.perf_counter() - began


async def _greet(socket: WebSocket) -> None:
    try:
        told = {"owner": (await caller_of(socket)).owner}
    except NotIdentified as error:
        told = {"error": error.code}
    await socket.accept()
    await socket.send_json(told)
    await socket.close()


async def _polled(request: Request) -> JSONResponse:
    return JSONResponse({"owner": (await caller_of(HTTPConnection(request.scope))).owner})
