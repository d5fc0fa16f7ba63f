"""The knowledge base: documents in and out."""

from typing import Annotated, cast
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Security
from starlette.responses import Response

from app.api.admin import AdminRoute, bearer
from app.api.document_openapi import MANY, ONE, RAW
from app.api.document_schemas import DeletionReport, DocumentPage, DocumentReport, JobReport, SubmissionReport
from app.api.openapi import problems
from app.api.refusals import all_refused, refusal_response
from app.api.uploads import DocumentRules, received, received_one
from app.api.v1 import document_jobs
from app.domain.documents import FileFilter, FileState, Job, JobState
from app.errors import DependencyFailed, InvalidInput
from app.services.documents.service import DocumentService
from app.services.documents.submission import Submitted

router = APIRouter(
    prefix="/documents",
    tags=["documents"],
    route_class=AdminRoute,
    dependencies=[Security(bearer)],
    responses=problems(400, 401, 403, 503, 504),
)
# Before the documents: `jobs` is no document's id.
router.include_router(document_jobs.router)

Revision = Annotated[str | None, Header(alias="If-Match", max_length=20, description="The revision expected.")]
Wait = Annotated[bool, Query(description="Answer when it is done, if that is within the time a request has.")]
Cursor = Annotated[int, Query(ge=0, le=2**62, description="The last page's `next_cursor`; 0 begins.")]
Limit = Annotated[int, Query(ge=1, le=200, description="The page's length at most.")]
Pattern = Annotated[str, Query(max_length=255, description="A pattern of names: `*`, `?`, `[...]`.")]
Metadata = Annotated[
    list[Annotated[str, Query(max_length=320)]],
    Query(max_length=5, description="`name:value`; of a list, one entry is enough.", examples=[["category:vpn"]]),
]


async def _documents(request: Request) -> DocumentService:
    return cast("DocumentService", request.state.services.documents)


DocumentsDep = Annotated[DocumentService, Depends(_documents)]


async def _chosen(
    name: Pattern = "",
    origin: Annotated[str, Query(max_length=1024, description="A pattern of origins.")] = "",
    state: Annotated[FileState | None, Query(description="How far they are.")] = None,
    metadata: Metadata = [],  # noqa: B006 - FastAPI copies it
) -> FileFilter:
    pairs = [pair.partition(":") for pair in metadata]
    if any(not key or not value for key, _, value in pairs):
        raise InvalidInput("metadata", "must be name:value")
    if "\0" in name + origin + "".join(metadata):
        raise InvalidInput("query", "must not contain NUL characters")
    return FileFilter(name=name, origin=origin, state=state, metadata={key: value for key, _, value in pairs})


ChosenDep = Annotated[FileFilter, Depends(_chosen)]


@router.post(
    "",
    summary="Add documents",
    status_code=202,
    response_model=SubmissionReport,
    responses=problems(409, 413, 415, 507),
    openapi_extra=MANY,
)
async def add_documents(request: Request, documents: DocumentsDep) -> Response:
    """Take up to 100 files, or 1000 documents as JSON, and make them findable in the background.

    A document is findable when its `state` is `ready`. Each is accepted or refused by itself; a request of which
    everything is refused is a problem that says why. Content that is there already is refused with its id.
    """
    async with received(request) as candidates:
        return _answer(request, await documents.add(candidates))


@router.get("", summary="List documents")
async def list_documents(
    documents: DocumentsDep, chosen: ChosenDep, cursor: Cursor = 0, limit: Limit = 50
) -> DocumentPage:
    """Return documents with their state and reason, newest first, a page at a time."""
    records, total = await documents.report.files(chosen, cursor, limit)
    return DocumentPage.of(records, total, limit)


@router.delete(
    "",
    summary="Delete documents by filter",
    status_code=202,
    response_model=DeletionReport,
    responses={200: {"model": DeletionReport, "description": "Nothing was meant, or, with `wait`, all are gone."}},
)
async def delete_documents(
    request: Request, documents: DocumentsDep, chosen: ChosenDep, *, wait: Wait = False
) -> Response:
    """Delete every document that fits all that is given; at least one of name, origin, state and metadata."""
    job, count = await documents.deletion.many(chosen)
    if job is not None and wait:
        job = await _waited(request, documents, job)
    report = DeletionReport(job=JobReport.of(job) if job else None, deleted=count)
    status = 200 if job is None or job.state is JobState.DONE else 202
    return _json(request, report.model_dump_json(), status, job)


@router.get("/{document_id}", summary="Get a document", responses=problems(404))
async def get_document(document_id: UUID, documents: DocumentsDep, response: Response) -> DocumentReport:
    """Return a document's state, reason and titles; `ETag` is its revision, for `If-Match`."""
    record = await documents.report.file(str(document_id))
    response.headers["ETag"] = f'"{record.revision}"'
    return DocumentReport.of(record)


@router.get("/{document_id}/content", summary="Get what was sent", responses=RAW | problems(404))
async def get_content(document_id: UUID, documents: DocumentsDep) -> Response:
    """Return a document's content as it was sent, as a download."""
    record, content = await documents.report.content(str(document_id))
    attachment = f"attachment; filename*=UTF-8''{quote(record.name, safe='')}"
    return Response(content, media_type="application/octet-stream", headers={"Content-Disposition": attachment})


@router.put(
    "/{document_id}",
    summary="Replace a document",
    status_code=202,
    response_model=SubmissionReport,
    responses=problems(404, 409, 413, 415, 507),
    openapi_extra=ONE,
)
async def replace_document(
    document_id: UUID, request: Request, documents: DocumentsDep, if_match: Revision = None
) -> Response:
    """Take one file, or one document as JSON, in a document's place; the old content is found until the new one is.

    A replacement that cannot be read leaves the old content, and `reason` says so.
    """
    revision = _revision(if_match)
    async with received_one(request) as candidate:
        return _answer(request, await documents.replace(str(document_id), candidate, revision))


@router.delete(
    "/{document_id}",
    summary="Delete a document",
    status_code=202,
    response_model=JobReport,
    responses=problems(404) | {204: {"description": "It is gone, with `wait`."}},
)
async def delete_document(
    document_id: UUID, request: Request, documents: DocumentsDep, *, wait: Wait = False
) -> Response:
    """Delete a document: it is no longer found when the job is done."""
    job = await documents.deletion.one(str(document_id))
    if wait:
        job = await _waited(request, documents, job)
        if job.state is JobState.DONE:
            return Response(status_code=204)
    return _json(request, JobReport.of(job).model_dump_json(), 202, job)


async def _waited(request: Request, documents: DocumentService, job: Job) -> Job:
    rules = cast("DocumentRules", request.state.documents)
    waited = await documents.report.wait(job.id, rules.wait_seconds)
    if waited.state is JobState.FAILED:
        raise DependencyFailed("documents", waited.reason)
    return waited


def _answer(request: Request, submitted: Submitted) -> Response:
    if all_refused(submitted):
        return refusal_response(request, submitted)
    status = 202 if submitted.job else 200
    return _json(request, SubmissionReport.of(submitted).model_dump_json(), status, submitted.job)


def _json(request: Request, body: str, status: int, job: Job | None) -> Response:
    headers = {"Location": request.url_for("get_job", job_id=job.id).path} if job else {}
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def _revision(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix('"').removesuffix('"')
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput("If-Match", "must be a revision, a whole number in quotes")
    return int(text)
