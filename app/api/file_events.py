"""An analysis as server-sent events: progress while it is made, then the analysis, or an error."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.sse import format_sse_event

from app.api.file_schemas import ProgressFrame, report_of
from app.api.file_uploads import Upload
from app.api.problems import Problem
from app.domain.files import FileAnalysed, FileEvent


class FileWire:
    """Names the events of an analysis: `progress`, `analysis`, `error`, `ping`."""

    ping = format_sse_event(event="ping", data_str="{}")

    def __init__(self) -> None:
        self._begun = time.perf_counter()

    def frame(self, event: FileEvent) -> bytes:
        """Return an event as it goes over the wire."""
        if isinstance(event, FileAnalysed):
            report = report_of(event.analysis, time.perf_counter() - self._begun)
            return format_sse_event(event="analysis", data_str=report.model_dump_json())
        return format_sse_event(event="progress", data_str=ProgressFrame.of(event).model_dump_json())

    def failure(self, problem: Problem) -> bytes:
        """Return a problem as the last event."""
        return format_sse_event(event="error", data_str=problem.model_dump_json())


async def with_upload(upload: Upload, events: AsyncGenerator[FileEvent, None]) -> AsyncGenerator[FileEvent, None]:
    """Yield events, and remove the upload when they end or nobody listens any longer."""
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    finally:
        await upload.close()
