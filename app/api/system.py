"""The service itself: the first page, and how it is."""

from pathlib import Path
from typing import Literal, Self

from fastapi import APIRouter, Request
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.api.dependencies import About, AboutDep, ServicesDep
from app.api.negotiation import HTML, wants_page
from app.api.openapi import Responses
from app.api.reports import HEALTH, HealthReport, health_response
from app.domain.health import Condition

WEB = Path(__file__).resolve().parents[1] / "web"
_templates = Jinja2Templates(WEB / "templates")

router = APIRouter(tags=["system"])


class ServiceStatus(BaseModel):
    """What the service is, and where to go from here."""

    status: Condition = Field(description="How it is, summed up.")
    name: str = Field(description="Its name.", examples=["IT Support"])
    version: str = Field(description="Its version.", examples=["0.1.0"])
    api: str = Field(description="Where the API begins.", examples=["/api/v1"])
    docs: str = Field(description="The API's documentation.", examples=["/docs"])
    health: str = Field(description="How it is, in detail.", examples=["/health"])

    @classmethod
    def of(cls, about: About, condition: Condition, base: str) -> Self:
        """Return the status of a service that is served below the path `base`."""
        return cls(
            status=condition,
            name=about.name,
            version=about.version,
            api=base + about.prefix,
            docs=f"{base}/docs",
            health=f"{base}/health",
        )


class Alive(BaseModel):
    """The process runs."""

    status: Literal["alive"] = "alive"


_PAGE: Responses = {
    200: {
        "description": "The status, or, for browsers, the chat page.",
        "content": {HTML: {"schema": {"type": "string"}}},
    }
}


@router.get("/", summary="The service, or the chat page", response_model=ServiceStatus, responses=_PAGE)
async def root(request: Request, services: ServicesDep, about: AboutDep) -> Response:
    """Tell programs how the service is; give browsers, which ask for `text/html`, the chat page."""
    headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
    base = request.scope.get("root_path", "")
    if wants_page(request.headers.get("accept", "")):
        page = {"about": about, "base": base}
        return _templates.TemplateResponse(request, "chat.html", page, headers=headers)
    status = ServiceStatus.of(about, (await services.health.report()).condition, base)
    return Response(status.model_dump_json(), media_type="application/json", headers=headers)


@router.get("/health", summary="How every part is", response_model=HealthReport, responses=HEALTH)
async def health(request: Request, services: ServicesDep, about: AboutDep) -> Response:
    """Check every part; 503 while questions cannot be answered."""
    return health_response(request, about, await services.health.report())


@router.get("/readyz", summary="Ready for questions", response_model=HealthReport, responses=HEALTH)
async def ready(request: Request, services: ServicesDep, about: AboutDep) -> Response:
    """Check every part, for load balancers; 503 until questions can be answered."""
    return health_response(request, about, await services.health.report())


@router.get("/livez", summary="The process runs")
async def alive() -> Alive:
    """Say that the process runs; touches nothing else."""
    return Alive()
