"""The routes of conversations in an application of their own, over conversations in memory."""

import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import uvicorn
from fakes import until
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app.adapters.stores.memory_store import MemoryStore
from app.api import middleware, openapi, problems
from app.api.client_config import ClientConfig, Features
from app.api.v1 import config, conversation_examples, conversations
from app.domain.answers import Citation
from app.domain.conversations import Role, Turn
from app.domain.identities import Caller, CallerKind, Credentials
from app.errors import NotIdentified, ServiceError, StoreFailed
from app.services.conversation.service import ConversationService

BASE = "/api/v1/conversations"
CONFIG = ClientConfig(
    name="IT Support",
    version="1.2.3",
    max_tokens=2048,
    reply_tokens=500,
    embedding_model="all-MiniLM-L6-v2",
    language_model="/srv/models/private.gguf",
    max_file_size_mb=5.0,
    allowed_extensions=("txt", "pdf"),
    chunk_size_tokens=1000,
    request_timeout_seconds=20.0,
    max_body_kb=256,
    features=Features(websocket=True),
)
TAGS = [*openapi.TAGS, {"name": "conversations", "description": "What was said, by whom it was said to."}]


class Keys:
    """The Access of a service whose keys are `a` and `b`, the names of their owners."""

    async def caller(self, given: Credentials) -> Caller:
        if given.bearer is None:
            return Caller()
        if given.bearer not in {"a", "b"}:
            raise NotIdentified("no such key")
        return Caller(given.bearer, CallerKind.KEY, given.bearer)

    async def check(self, caller: Caller) -> None:
        """Return: keys hold for ever."""


class Clock:
    """Goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def application(store: Any = None) -> FastAPI:
    """Return an application with the order of middleware the service has."""
    service = ConversationService(store if store is not None else MemoryStore())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        services = SimpleNamespace(conversations=service, access=Keys())
        yield {"services": services, "config": CONFIG}

    app = FastAPI(
        lifespan=lifespan,
        redirect_slashes=False,
        openapi_tags=TAGS,
        generate_unique_id_function=lambda route: route.name,
        middleware=[
            Middleware(middleware.RequestId),
            Middleware(middleware.SecurityHeaders, docs=("/docs",)),
            Middleware(middleware.Paths),
            Middleware(middleware.LastResort),
            Middleware(middleware.BodyCap, most=64 * 1024),
            Middleware(middleware.Deadline, seconds=20.0),
            Middleware(middleware.HeadAsGet),
        ],
        exception_handlers={
            HTTPException: problems.handle,
            RequestValidationError: problems.handle,
            ServiceError: problems.handle,
        },
    )
    for module in (conversations, conversation_examples, config):
        app.include_router(module.router, prefix="/api/v1")
    app.openapi = openapi.describe(app)  # type: ignore[method-assign] # the way FastAPI documents
    return app


@dataclass
class Failing:
    """A store that raises instead of doing what `broken` names."""

    kept: MemoryStore
    broken: set[str] = field(default_factory=set)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.kept, name)

        async def called(*given: Any, **named: Any) -> Any:
            if name in self.broken or "all" in self.broken:
                raise StoreFailed("store", "gone")
            return await method(*given, **named)

        return called


def said(*texts: str, moment: datetime | None = None) -> tuple[Turn, ...]:
    """Return questions and answers in turn; answers cite an article."""
    at = moment or datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    cited = (Citation(1, "vpn-809", "vpn-809#2", "VPN error 809", "Open the port."),)
    return tuple(
        Turn(f"m{number}", Role.ASSISTANT, text, at, "answered", cited)
        if number % 2
        else Turn(f"m{number}", Role.USER, text, at)
        for number, text in enumerate(texts)
    )


def as_(owner: str) -> dict[str, str]:
    """Return the headers of a caller."""
    return {"Authorization": f"Bearer {owner}"}


@dataclass
class Serving:
    """A client, and the store behind the routes."""

    client: TestClient
    store: MemoryStore
    failing: Failing

    def ask(self, method: str, path: str = "", owner: str = "a", **more: Any) -> Any:
        """Send a request of an owner to a path below the conversations."""
        return self.client.request(method, f"{BASE}{path}", headers=as_(owner), **more)

    def begun(self, title: str = "", owner: str = "a") -> str:
        """Begin a conversation and return its id."""
        reply = self.ask("POST", owner=owner, json={"title": title} if title else {})
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    def talk(self, conversation_id: str, turns: Sequence[Turn], owner: str = "a") -> None:
        """Let turns be said in a conversation."""
        portal = self.client.portal
        assert portal is not None
        portal.call(self.store.append, owner, conversation_id, turns)


@contextmanager
def serving(**limits: Any) -> Iterator[Serving]:
    """Run the routes over an empty store; any exception that escapes fails the test."""
    store = MemoryStore(**{"clock": Clock(), **limits})
    failing = Failing(store)
    with TestClient(application(failing)) as client:
        yield Serving(client, store, failing)


def problem(reply: Any, status: int, code: str) -> Mapping[str, Any]:
    """Return the problem a reply carries, having checked that it is this one."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    found: Mapping[str, Any] = reply.json()
    assert found["code"] == code
    return found


@contextmanager
def listening(app: FastAPI) -> Iterator[int]:
    """Run an application in a real server on a free port and yield the port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()
