"""Server-sent events: an answer step by step, pings while it is quiet, and the work freed when the client leaves."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Protocol, TypeAlias, cast

from fastapi.sse import format_sse_event
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.answers import ChatAnswer, CitedSource, EvidenceFrame, TextFrame
from app.api.ending import Ending
from app.api.leaving import gone, stop
from app.api.problems import CLIENT_GONE, Problem, log, problem_of
from app.domain.events import AnswerFinished, ChatEvent, EvidenceFound, SourceCited, TextSaid
from app.services.live.rules import Restarting

logger = logging.getLogger("app.sse")

PING_SECONDS = 10.0
WRITE_SECONDS = 30.0
PATIENCE_SECONDS = 2.0
"""How long the response waits for the first event, so that a refusal has the status of any refusal."""

Events: TypeAlias = AsyncGenerator[ChatEvent, None]
Pending: TypeAlias = asyncio.Future[ChatEvent | None]
Write: TypeAlias = Callable[[bytes], Coroutine[Any, Any, None]]


class Wire(Protocol):
    """What events look like on their way to a client."""

    ping: bytes
    """What is sent while there is nothing to say."""

    def frame(self, event: ChatEvent) -> bytes:
        """Return what is sent of an event; nothing where the client knows no such thing."""
        ...

    def failure(self, problem: Problem) -> bytes:
        """Return what is sent of a failure, after which nothing is."""
        ...


class _ReaderStuck(Exception):
    """The client does not take what it is sent."""


async def open_stream(request: Request, events: Events, wire: Wire | None = None) -> "EventStream":
    """Return the stream of these events, as named events where nothing else is asked for.

    Raises what they raise at once, as an ordinary refusal, and HTTPException 499 when the client is gone by then.
    """
    first = _following(events)
    try:
        await _begin(request, first)
    except BaseException:
        await stop(first)
        await events.aclose()
        raise
    return EventStream(first, events, wire)


async def _begin(request: Request, first: Pending) -> None:
    leaving = asyncio.ensure_future(gone(request.receive))
    either: set[asyncio.Future[Any]] = {first, leaving}
    try:
        await asyncio.wait(either, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if first.done():
            first.result()
        elif leaving.done():
            raise HTTPException(CLIENT_GONE)
    finally:
        await stop(leaving)


class EventStream(Response):
    """The response that sends events as they come and closes their iterator, whatever happens."""

    media_type = "text/event-stream"

    def __init__(self, first: Pending, events: Events, wire: Wire | None = None) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._first = first
        self._events = events
        self._wire = wire or NamedEvents()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all events, or stop as soon as the client is gone or no longer reads."""

        async def write(data: bytes) -> None:
            try:
                async with asyncio.timeout(WRITE_SECONDS):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            except OSError as error:  # a timeout is one, too
                raise _ReaderStuck from error

        ending = cast("Ending | None", scope.get("state", {}).get("ending"))
        over = ending.over if ending else asyncio.Event()
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if await self._tell_while_there(receive, write, scope["path"], over):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await stop(self._first)
            await self._events.aclose()

    async def _tell_while_there(self, receive: Receive, write: Write, path: str, over: asyncio.Event) -> bool:
        """Send until the end, the service's end, or the client's leaving; tell whether it took everything."""
        telling = asyncio.ensure_future(self._tell(write, path))
        leaving, ending = asyncio.ensure_future(gone(receive)), asyncio.ensure_future(over.wait())
        either: set[asyncio.Future[Any]] = {telling, leaving, ending}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            cut_off = ending.done() and not telling.done() and not leaving.done()
        finally:
            await stop(telling, leaving, ending)
        if cut_off:
            with contextlib.suppress(_ReaderStuck):
                await write(self._wire.failure(problem_of(Restarting("service"), path)))
        return cut_off or (not telling.cancelled() and telling.result())

    async def _tell(self, write: Write, path: str) -> bool:
        """Send every event, an error as the last one; tell whether the client took them."""
        try:
            failure = await self._tell_events(write)
            if failure is not None:
                problem = problem_of(failure, path)
                log(failure, problem)
                await write(self._wire.failure(problem))
        except _ReaderStuck:
            logger.info("stream_reader_stuck")
            return False
        return True

    async def _tell_events(self, write: Write) -> Exception | None:
        """Send every event; return what went wrong: the status is sent, so it can only be told as an event."""
        pending = self._first
        try:
            while (event := await _quietly(pending, write, self._wire.ping)) is not None:
                if said := self._wire.frame(event):
                    await write(said)
                pending = _following(self._events)
        except _ReaderStuck:
            raise
        except Exception as error:  # noqa: BLE001 - the last resort of a stream
            return error
        finally:
            await stop(pending)
        return None


async def _quietly(pending: Pending, write: Write, ping: bytes) -> ChatEvent | None:
    """Wait for the next event (None at the end) and ping while there is nothing to say."""
    while not (await asyncio.wait({pending}, timeout=PING_SECONDS))[0]:
        await write(ping)
    return pending.result()


def _following(events: Events) -> Pending:
    async def following() -> ChatEvent | None:
        return await anext(events, None)

    return asyncio.ensure_future(following())


class NamedEvents:
    """The events of this service: each has a name, and an object as its data."""

    ping = format_sse_event(event="ping", data_str="{}")

    def frame(self, event: ChatEvent) -> bytes:
        """Return an event as it goes over the wire."""
        match event:
            case EvidenceFound(evidence):
                return _encode("search_results", EvidenceFrame.of(evidence))
            case TextSaid(text):
                return _encode("message", TextFrame(delta=text))
            case SourceCited(citation):
                return _encode("citation", CitedSource.of(citation))
            case AnswerFinished(answer):
                return _encode("final_answer", ChatAnswer.of(answer))

    def failure(self, problem: Problem) -> bytes:
        """Return a problem as the last event."""
        return _encode("error", problem)


def _encode(name: str, data: BaseModel) -> bytes:
    return format_sse_event(event=name, data_str=data.model_dump_json())
