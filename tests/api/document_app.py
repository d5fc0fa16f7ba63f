"""The routes of documents in an application of their own, over a catalogue on disk."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app.api import middleware, openapi, problems
from app.api.admin import AdminRules
from app.api.uploads import DocumentRules
from app.api.v1 import documents
from app.errors import ServiceError
from tests.document_builders import Place, opened

BASE = "/api/v1/documents"
OPEN = AdminRules(key=None, loopback=True)


def application(state: dict[str, Any] | None = None, upload_bytes: int = 1_000_000) -> FastAPI:
    """Return an application with the order of middleware the service has."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        assert state is not None
        async with state["services"].documents.running():
            yield state

    app = FastAPI(
        lifespan=lifespan,
        redirect_slashes=False,
        openapi_tags=openapi.TAGS,
        generate_unique_id_function=lambda route: route.name,
        middleware=[
            Middleware(middleware.RequestId),
            Middleware(middleware.SecurityHeaders, docs=("/docs",)),
            Middleware(middleware.Paths),
            Middleware(middleware.LastResort),
            Middleware(middleware.BodyCap, most=16 * 1024, larger={BASE: upload_bytes}),
            Middleware(middleware.Deadline, seconds=20.0),
            Middleware(middleware.HeadAsGet),
        ],
        exception_handlers={
            HTTPException: problems.handle,
            RequestValidationError: problems.handle,
            ServiceError: problems.handle,
        },
    )
    app.include_router(documents.router, prefix="/api/v1")
    app.openapi = openapi.describe(app)  # type: ignore[method-assign] # the way FastAPI documents
    return app


@dataclass
class Serving:
    """A client, and what is behind the routes."""

    client: TestClient
    place: Place

    def finished(self, job: dict[str, Any]) -> dict[str, Any]:
        """Follow a job to its end and return it."""
        reply = self.client.get(f"{BASE}/jobs/{job['id']}/events")
        assert reply.text.rstrip().rsplit("event: ", 1)[1].startswith("finished\n"), reply.text
        found: dict[str, Any] = self.client.get(f"{BASE}/jobs/{job['id']}").json()
        return found

    def added(self, text: str = "text", name: str = "a.md") -> str:
        """Add a file, wait until it is ready, and return its id."""
        reply = self.client.post(BASE, files={"files": (name, text.encode())})
        assert reply.status_code == 202, reply.text
        self.finished(reply.json()["job"])
        document_id: str = reply.json()["documents"][0]["document"]["id"]
        return document_id


@contextmanager
def serving(
    root: Path, admin: AdminRules = OPEN, *, most: int = 1000, upload_bytes: int = 1_000_000
) -> Iterator[Serving]:
    """Run the application; any exception that escapes fails the test."""
    with opened(root, most) as place:
        state = {
            "services": SimpleNamespace(documents=place.documents),
            "admin": admin,
            "documents": DocumentRules(wait_seconds=5.0),
        }
        with TestClient(application(state, upload_bytes), base_url="http://localhost:8000") as client:
            yield Serving(client, place)
