"""Reading documents out of a request: files as they come go to the disk, JSON is read up to a bound."""

import asyncio
import errno
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from app.api.document_inputs import JsonDocument, JsonDocuments, NewJsonDocument
from app.domain.documents import FROM_API, JSON_DOCUMENT
from app.domain.extraction import ColumnMapping
from app.errors import InvalidInput
from app.ports.documents import DiskFull
from app.services.documents.mappings import LONGEST, parse_mapping
from app.services.documents.reading import pack
from app.services.documents.submission import Candidate

MOST_FILES = 100
MOST_JSON = 16 * 1024 * 1024
_MOST_FIELDS = 10
_MULTIPART = re.compile(r'multipart/form-data\s*;.*boundary=("[^"]{1,70}"|[^\s;,"]{1,70}).*', re.IGNORECASE)
_JSON = re.compile(r'application/json\s*(;\s*charset\s*=\s*("utf-8"|utf-8)\s*)?', re.IGNORECASE)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class DocumentRules:
    """`wait_seconds`: how long a request may wait for a deletion."""

    wait_seconds: float


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[list[Candidate]]:
    """Yield the documents a request brings; what was written aside is removed afterwards.

    Raises InvalidInput, RequestValidationError, DiskFull, and HTTPException 413 or 415.
    """
    if _has_type(request, _JSON):
        body = await _json(request, JsonDocuments)
        yield [_candidate(document) for document in body.documents]
        return
    async with _form(request) as form:
        yield _candidates(form)


@asynccontextmanager
async def received_one(request: Request) -> AsyncIterator[Candidate]:
    """Yield the one document a request brings; raises what `received` does."""
    if _has_type(request, _JSON):
        yield _candidate(await _json(request, JsonDocument))
        return
    async with _form(request) as form:
        candidates = _candidates(form)
        if len(candidates) != 1:
            raise InvalidInput("files", "must be one file")
        yield candidates[0]


def _has_type(request: Request, pattern: re.Pattern[str]) -> bool:
    types = request.headers.getlist("content-type")
    return len(types) == 1 and pattern.fullmatch(types[0].strip()) is not None


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    if not _has_type(request, _MULTIPART):
        raise HTTPException(415)
    try:
        form = await request.form(max_files=MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=LONGEST * 4)
    except HTTPException as error:
        if error.status_code != 400:  # noqa: PLR2004 - the others say what is wrong
            raise
        told = f"is no form of at most {MOST_FILES} files and {_MOST_FIELDS} short fields"
        raise InvalidInput("body", told) from error
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull("uploads") from error
        raise
    try:
        yield form
    finally:
        await form.close()


def _candidates(form: FormData) -> list[Candidate]:
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    if unknown := fields.keys() - {"mapping"}:
        raise InvalidInput("body", f"holds {len(unknown)} fields that are not known; these are: files, mapping")
    mapping = parse_mapping(fields.get("mapping", ""))
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    if not files:
        raise InvalidInput("files", "must have at least 1 entries")
    return [_upload(file, mapping) for file in files]


def _upload(file: UploadFile, mapping: ColumnMapping) -> Candidate:
    return Candidate(file.filename or "", FROM_API, lambda: nullcontext(file.file), mapping)


def _candidate(document: JsonDocument) -> Candidate:
    own = document.id if isinstance(document, NewJsonDocument) else None
    content = pack(document.extracted())
    return Candidate(
        name=document.title,
        origin=f"{FROM_API}/{own}" if own else FROM_API,
        open=lambda: nullcontext(io.BytesIO(content)),
        media_type=JSON_DOCUMENT,
        create=own is not None,
    )


async def _json(request: Request, model: type[Model]) -> Model:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_JSON:
            raise HTTPException(413)
    try:
        return await asyncio.to_thread(model.model_validate_json, bytes(body))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from error
