"""What a client may know of this service."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request

from app.api.callers import caller_of
from app.api.client_config import ClientConfig, ClientConfigReport
from app.api.openapi import problems

router = APIRouter(tags=["system"])


async def _config(request: Request) -> ClientConfig:
    return cast("ClientConfig", request.state.config)


@router.get(
    "/config",
    summary="What a client may know",
    dependencies=[Depends(caller_of)],
    responses=problems(401, 503, 504),
)
async def get_config(config: Annotated[ClientConfig, Depends(_config)]) -> ClientConfigReport:
    """Return limits, languages, models and features, so that a client needs no copy of them."""
    return ClientConfigReport.of(config)
