"""The jobs that take documents in and out."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.api.admin import AdminRoute
from app.api.document_openapi import EVENT_STREAM
from app.api.document_schemas import JobPage, JobReport
from app.api.job_events import JobStream
from app.api.openapi import problems
from app.services.documents.service import DocumentService

router = APIRouter(prefix="/jobs", route_class=AdminRoute)

Cursor = Annotated[int, Query(ge=0, le=2**62, description="The last page's `next_cursor`; 0 begins.")]
Limit = Annotated[int, Query(ge=1, le=200, description="The page's length at most.")]


async def _documents(request: Request) -> DocumentService:
    return cast("DocumentService", request.state.services.documents)


DocumentsDep = Annotated[DocumentService, Depends(_documents)]


@router.get("", summary="List jobs")
async def list_jobs(documents: DocumentsDep, cursor: Cursor = 0, limit: Limit = 50) -> JobPage:
    """Return jobs, newest first, a page at a time; the last 500 that are finished are kept."""
    jobs, total = await documents.report.jobs(cursor, limit)
    return JobPage.of(jobs, total, limit)


@router.get("/{job_id}", summary="Get a job", responses=problems(404))
async def get_job(job_id: UUID, documents: DocumentsDep) -> JobReport:
    """Return how far a job is: percent, rate, time left, and the documents that failed."""
    return JobReport.of(await documents.report.job(str(job_id)))


@router.get("/{job_id}/events", summary="Follow a job", responses=EVENT_STREAM | problems(404))
async def follow_job(job_id: UUID, request: Request, documents: DocumentsDep) -> Response:
    """Tell of a job as events: `progress` whenever it changed, `ping` while it does not, `finished` last."""
    jobs = documents.report.follow(str(job_id))
    return JobStream(await anext(jobs), jobs, request.url.path)


@router.delete("/{job_id}", summary="Cancel a job", responses=problems(404, 409))
async def cancel_job(job_id: UUID, documents: DocumentsDep) -> JobReport:
    """Stop a job: what is done stays, the slice at hand is finished, the rest is `cancelled` and can be retried.

    A deletion cannot be cancelled.
    """
    return JobReport.of(await documents.cancel(str(job_id)))


@router.post("/{job_id}/retry", summary="Retry a job", status_code=202, responses=problems(404, 409))
async def retry_job(job_id: UUID, documents: DocumentsDep) -> JobReport:
    """Try again what a finished job failed at, or what was cancelled; what was read is only indexed again."""
    return JobReport.of(await documents.retry(str(job_id)))
