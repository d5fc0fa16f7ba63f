"""Retrieval alone."""

import time

from fastapi import APIRouter, Request

from app.api.answers import SearchAnswer
from app.api.dependencies import ServicesDep
from app.api.leaving import unless_gone
from app.api.openapi import problems
from app.api.routing import JsonRoute
from app.api.schemas import SearchRequest

router = APIRouter(tags=["search"], route_class=JsonRoute)


@router.post("/search", summary="Find evidence", responses=problems(400, 413, 415, 503, 504))
async def search(body: SearchRequest, request: Request, services: ServicesDep) -> SearchAnswer:
    """Return the documents that hold the answer, best first, without answering."""
    began = time.perf_counter()
    evidence = await unless_gone(request, services.search.search(body.question()))
    return SearchAnswer.of(evidence, time.perf_counter() - began)
