"""Sessions: who the caller is, logging in with a key, logging out."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from app.api.callers import CallerDep, caller_of, credentials_of, note
from app.api.dependencies import ServicesDep
from app.api.openapi import problems
from app.domain.identities import Caller, CallerKind
from app.errors import NotFound
from app.services.access.service import AccessService

router = APIRouter(prefix="/sessions", tags=["sessions"])


class SessionAnswer(BaseModel):
    """Who the caller is."""

    owner: str = Field(description="Whom the caller's conversations belong to.", examples=["service-desk"])
    kind: CallerKind = Field(description="How the caller is known.")
    ends_at: datetime | None = Field(
        description="When the session, or the key, ends if nothing more is heard of it; null: not by itself."
    )

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """Return what a caller is told of itself."""
        return cls(owner=caller.owner, kind=caller.kind, ends_at=caller.ends_at)


async def _access(services: ServicesDep) -> AccessService:
    if not isinstance(services.access, AccessService):
        raise NotFound("session")
    return services.access


AccessDep = Annotated[AccessService, Depends(_access)]


@router.post("", status_code=201, summary="Begin a session", responses=problems(401, 403, 404, 503))
async def begin(request: Request, access: AccessDep) -> SessionAnswer:
    """Begin a session and set its cookie.

    With `Authorization: Bearer <key>` it is a session of the key's owner, in the place of the one there is; without a
    key it is the session there is, or one of nobody known, which is refused where keys are required.
    """
    caller = await access.begin(credentials_of(request))
    note(request, caller)
    return SessionAnswer.of(caller)


@router.get("/current", summary="Who the caller is", responses=problems(401, 503))
async def current(caller: CallerDep) -> SessionAnswer:
    """Tell who the caller is, as a session or by its key."""
    return SessionAnswer.of(caller)


@router.delete("/current", status_code=204, summary="Log out", responses=problems(401, 403, 404, 503))
async def end(request: Request, access: AccessDep) -> Response:
    """End the session the request came with; its cookie is worth nothing from then on, whoever has it."""
    note(request, await access.end(await _identified(request)))
    return Response(status_code=204)


@router.delete("", status_code=204, summary="Log out everywhere", responses=problems(401, 403, 404, 503))
async def end_all(request: Request, access: AccessDep) -> Response:
    """End all sessions of the caller's owner, this one and those of other browsers; keys stay."""
    note(request, await access.end_all(await _identified(request)))
    return Response(status_code=204)


async def _identified(request: Request) -> Caller:
    """Return who calls; who came with nothing does not get a session to have it ended. Raises NotFound."""
    given = credentials_of(request)
    if given.bearer is None and given.session is None:
        raise NotFound("session")
    return await caller_of(request)
