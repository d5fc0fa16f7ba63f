"""Files attached to a conversation: analysed at once, and known to that conversation alone."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.api.callers import CallerDep
from app.api.file_events import FileWire, with_upload
from app.api.file_examples import EVENTS as EVENT_EXAMPLE
from app.api.file_schemas import FileList, FileReport, StoredFile, report_of
from app.api.file_uploads import Upload, uploaded
from app.api.leaving import unless_gone
from app.api.negotiation import EVENTS, wants_events
from app.api.openapi import Responses, problems
from app.api.origins import OriginRules, origin_allowed
from app.api.reports import NOT_STORED
from app.api.sse import Events, EventStream, Wire, open_stream
from app.domain.files import FileAnalysed, FileEvent
from app.domain.identities import Caller, CallerKind
from app.errors import NotAllowed
from app.services.files.service import FileQuestion, FileService

router = APIRouter(prefix="/files", tags=["files"])

_STREAM: Responses = {
    200: {
        "description": "The analysis; with `stream=true` or `Accept: text/event-stream`, with its progress as events.",
        "content": {EVENTS: {"schema": {"type": "string"}, "example": EVENT_EXAMPLE}},
    }
}
_FILE = {"type": "string", "format": "binary", "description": "At most MAX_FILE_SIZE_MB.", "maxLength": 1_048_576_000}
_ID = {"type": "string", "format": "uuid", "description": "The conversation it belongs to; a new one where not given."}
_ASKED = {"type": "string", "minLength": 1, "maxLength": 2000, "description": "A question about the file."}
_LANGUAGE = {"type": "string", "enum": ["en", "de", "fr", "es"], "description": "The language to answer in."}
_EVENTS = {"type": "boolean", "default": False, "description": "Tell of progress as server-sent events."}
_FORM: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["file"],
    "properties": {
        "file": _FILE, "conversation_id": _ID, "question": _ASKED, "language": _LANGUAGE, "stream": _EVENTS,
    },
}  # fmt: skip
_BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}}

Conversation = Annotated[UUID, Query(description="The conversation the file belongs to.")]


async def _files(request: Request) -> FileService:
    return cast("FileService", request.state.services.files)


FilesDep = Annotated[FileService, Depends(_files)]


@router.post(
    "",
    summary="Analyse a file",
    response_model=FileReport,
    responses=_STREAM | problems(400, 401, 403, 404, 409, 413, 415, 503, 504, 507),
    openapi_extra=_BODY,
)
async def analyse_file(
    request: Request, response: Response, files: FilesDep, caller: CallerDep
) -> FileReport | EventStream:
    """Check a file, analyse it chunk by chunk, and say what it is, what went wrong, and what is known about that.

    The file becomes context of its conversation, and of no other; of a large one, what stands around its errors does.
    Its content must be what its ending says, whole in one encoding, and nothing in it may act when it is opened.
    As events: `progress` (percent, chunk n of m), then `analysis` (the same object as the plain answer), or `error`.
    """
    _refuse_other_sites(request, caller)
    upload = await uploaded(request, files.rules.most_bytes)
    events = with_upload(upload, _analysed(files, upload, caller))
    if upload.fields.stream or wants_events(request.headers.get("accept", "")):
        # The stream only hands events to their wire, whatever they are.
        return await open_stream(request, cast("Events", events), cast("Wire", FileWire()))
    report = await unless_gone(request, _report(events))
    if not report.persisted:
        response.headers["Warning"] = NOT_STORED
    return report


@router.get("", summary="List a conversation's files", responses=problems(400, 401, 404, 503, 504))
async def list_files(files: FilesDep, caller: CallerDep, conversation_id: Conversation) -> FileList:
    """Return what the conversation knows of files, oldest first."""
    kept = await files.shelf.files(caller.owner, str(conversation_id))
    return FileList(files=[StoredFile.of(item) for item in kept])


@router.delete(
    "/{file_id}",
    summary="Take a file from a conversation",
    status_code=204,
    responses=problems(400, 401, 403, 404, 503, 504),
)
async def delete_file(
    file_id: UUID, request: Request, files: FilesDep, caller: CallerDep, conversation_id: Conversation
) -> Response:
    """Take a file away: from now on no answer leans on it. The messages that told of it stay."""
    _refuse_other_sites(request, caller)
    await files.shelf.remove(caller.owner, str(conversation_id), str(file_id))
    return Response(status_code=204)


async def _analysed(files: FileService, upload: Upload, caller: Caller) -> AsyncGenerator[FileEvent, None]:
    file = files.admit(upload.name, upload.size)
    given = upload.fields
    conversation = str(given.conversation_id) if given.conversation_id else None
    asked = FileQuestion(caller.owner, conversation, given.question, given.language)
    async with aclosing(files.analyse(file, upload.content, asked)) as events:
        async for event in events:
            yield event


async def _report(events: AsyncGenerator[FileEvent, None]) -> FileReport:
    begun = time.perf_counter()
    async with aclosing(events):
        async for event in events:
            if isinstance(event, FileAnalysed):
                return report_of(event.analysis, time.perf_counter() - begun)
    raise AssertionError("the events of an analysis end with the analysis")


def _refuse_other_sites(request: Request, caller: Caller) -> None:
    """Refuse a page of another site that sends a session's cookie along: a browser asks nobody before it sends a form.

    Raises NotAllowed.
    """
    rules = OriginRules(request.state.admin.origins)
    if caller.kind is CallerKind.SESSION and not origin_allowed(request.headers, rules):
        raise NotAllowed("a page of another site asks")
