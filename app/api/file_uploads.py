"""Reading one file and a few fields out of a request: counted as they come, whatever was announced."""

import errno
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import BinaryIO

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from app.api.file_schemas import FileFields
from app.errors import DocumentRefused, InvalidInput
from app.ports.documents import DiskFull

FRAME_BYTES = 64 * 1024
"""What a form may hold beside the file."""

_FIELD_BYTES = 16 * 1024
_MULTIPART = re.compile(r'multipart/form-data\s*;.*boundary=("[^"]{1,70}"|[^\s;,"]{1,70}).*', re.IGNORECASE)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived whole; `close` removes what was written aside."""

    name: str
    size: int
    content: BinaryIO
    fields: FileFields
    form: FormData

    async def close(self) -> None:
        """Remove the file."""
        await self.form.close()


async def uploaded(request: Request, most: int) -> Upload:
    """Return the file a form brings, to be closed; nothing is left of a request that is refused.

    Raises InvalidInput, RequestValidationError, DiskFull, DocumentRefused where it is larger than `most` bytes, and
    HTTPException 415.
    """
    form = await _form(request, most)
    try:
        return _upload(form)
    except BaseException:
        await form.close()
        raise


async def _form(request: Request, most: int) -> FormData:
    types = request.headers.getlist("content-type")
    if len(types) != 1 or _MULTIPART.fullmatch(types[0].strip()) is None:
        raise HTTPException(415)
    stream = _counted(request.stream(), most)
    fields = len(FileFields.model_fields)
    parser = MultiPartParser(request.headers, stream, max_files=1, max_fields=fields, max_part_size=_FIELD_BYTES)
    try:
        return await parser.parse()
    except MultiPartException as error:
        raise InvalidInput("body", f"is no form of one file and at most {fields} short fields") from error
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull("uploads") from error
        raise


async def _counted(stream: AsyncGenerator[bytes, None], most: int) -> AsyncGenerator[bytes, None]:
    read = 0
    async for piece in stream:
        read += len(piece)
        if read > most + FRAME_BYTES:
            raise DocumentRefused("too_large", f"is larger than {most} bytes")
        yield piece


def _upload(form: FormData) -> Upload:
    items = form.multi_items()
    texts = [(name, value) for name, value in items if isinstance(value, str)]
    if len(dict(texts)) != len(texts):
        raise InvalidInput("body", "says a field twice")
    files = [(name, value) for name, value in items if isinstance(value, UploadFile)]
    if [name for name, _ in files] != ["file"]:
        raise InvalidInput("file", "must be one file")
    try:
        fields = FileFields.model_validate(dict(texts))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from error
    file = files[0][1]
    return Upload(file.filename or "", file.size or 0, file.file, fields, form)
