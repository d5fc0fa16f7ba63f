"""A job's progress as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from fastapi.sse import format_sse_event
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from app.api.document_schemas import JobReport
from app.api.problems import log, problem_of
from app.api.sse import PING_SECONDS, WRITE_SECONDS
from app.domain.documents import Job
from app.errors import ServiceError

_PING = format_sse_event(event="ping", data_str="{}")


class JobStream(StreamingResponse):
    """Sends `progress` events, `ping` while nothing changes, and `finished` last; a reader that is stuck is left."""

    def __init__(self, first: Job, jobs: AsyncGenerator[Job, None], path: str) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(_events(first, jobs, path), media_type="text/event-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the job is finished or the client has left."""

        async def bounded(message: Message) -> None:
            async with asyncio.timeout(WRITE_SECONDS):
                await send(message)

        try:
            await super().__call__(scope, receive, bounded)
        except (OSError, ClientDisconnect):  # a timeout is one, too
            return


async def _events(first: Job, jobs: AsyncGenerator[Job, None], path: str) -> AsyncIterator[bytes]:
    yield _frame(first)
    pending: asyncio.Future[Job | None] | None = None
    try:
        while True:
            pending = asyncio.ensure_future(_following(jobs))
            while not (await asyncio.wait({pending}, timeout=PING_SECONDS))[0]:
                yield _PING
            job = pending.result()
            if job is None:
                return
            yield _frame(job)
    except ServiceError as error:
        problem = problem_of(error, path)
        log(error, problem)
        yield format_sse_event(event="error", data_str=problem.model_dump_json())
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        await jobs.aclose()


async def _following(jobs: AsyncGenerator[Job, None]) -> Job | None:
    return await anext(jobs, None)


def _frame(job: Job) -> bytes:
    name = "finished" if job.state.finished else "progress"
    return format_sse_event(event=name, data_str=JobReport.of(job).model_dump_json())
