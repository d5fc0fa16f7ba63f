"""Socket.IO at `/socket.io`: `send_message` is answered by `response_chunk`s, `final_answer` and `token_usage`."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import socketio  # type: ignore[import-untyped]
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from app.api.leaving import gone, stop
from app.api.problems import respond
from app.api.realtime.channel import POLICY, RealTime, caller_by, check_origin, realtime_of
from app.api.realtime.encoding import WireEncoder
from app.api.realtime.packets import screened, screened_body
from app.api.realtime.socketio_events import acknowledgement, act, id_in, refusal, token_in, told
from app.api.realtime.socketio_wire import Json, QuietLogger, Wire
from app.domain.live import ERROR, LiveEvent
from app.errors import InvalidInput, NotIdentified, Overloaded, ServiceError
from app.services.live.rules import TooManyEvents
from app.services.live.session import LiveSession

logger = logging.getLogger("app.socketio")

_FLUSH_SECONDS = 1.0
_MOST_PACKETS = 64
_LOOK_SECONDS = 0.05
_WATCH_SECONDS = 1.0


@dataclass
class _Client:
    """A connected client: its session, and the task that tells it what happens."""

    engine_id: str
    realtime: RealTime
    session: LiveSession
    telling: "asyncio.Task[None] | None" = None


class SocketIo:
    """The ASGI application; use `running` around its serving.

    Instances are joined by the event bus that both channels share, not by Socket.IO's own Redis manager: that one
    forgets what a client missed while it was away, and has every instance write to Redis for each of its clients.
    """

    def __init__(self, *, ping_seconds: float = 10.0, frame_bytes: int = 64 * 1024) -> None:
        quiet = QuietLogger(logger, {})
        self._server = socketio.AsyncServer(
            async_mode="asgi",
            # One event of a client after the other: the next is not read before.
            async_handlers=False,
            json=Json,
            # The origin is checked in front, for polling and WebSocket alike; CORS headers are the middleware's.
            cors_allowed_origins=[],
            max_http_buffer_size=frame_bytes,
            http_compression=False,
            ping_interval=ping_seconds,
            ping_timeout=ping_seconds,
            logger=quiet,
            engineio_logger=quiet,
        )
        self._asgi = socketio.ASGIApp(self._server, socketio_path="socket.io")
        self._clients: dict[str, _Client] = {}
        self._sids: dict[str, str] = {}
        self._wire = Wire(self._server.eio, self._sids.__contains__, self._refuse)
        self._encoder = WireEncoder()
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        self._server.on("*", self._event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or connection of Engine.IO's."""
        try:
            self._admit(HTTPConnection(scope))
            if scope["type"] == "http" and scope["method"] == "POST":
                scope, receive = await screened_body(scope, receive, self._server.eio.max_http_buffer_size)
        except (ServiceError, HTTPException) as error:
            if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
                await respond(scope, error)(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": POLICY, "reason": ""})
            return
        if scope["type"] == "http" and scope["method"] == "GET":
            await self._while_there(scope, receive, send)
        else:
            await self._asgi(scope, screened(receive) if scope["type"] == "websocket" else receive, send)

    async def _while_there(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a poll, or end its connection where the client leaves first: Engine.IO would wait for 20 s."""
        request = await receive()

        async def asked() -> Message:
            return request

        polling, leaving = asyncio.ensure_future(self._asgi(scope, asked, send)), asyncio.ensure_future(gone(receive))
        try:
            await asyncio.wait({polling, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if polling.done():
                polling.result()
        finally:
            await stop(polling, leaving)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Close, while the block runs, connections that say nothing; end everything after it."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            await stop(watching)
            for sid in tuple(self._clients):
                await self._drop(sid)
            await self._server.shutdown()

    def _admit(self, connection: HTTPConnection) -> None:
        """Raise NotAllowed for a page of another site, Overloaded where there are too many connections."""
        check_origin(connection)
        query = parse_qs(connection.scope.get("query_string", b"").decode("latin-1"))
        if "j" in query:
            # JSONP: any page may read it.
            raise InvalidInput("j", "is not supported by this service")
        rules = realtime_of(connection).live.rules
        self._wire.rules = rules
        if "sid" not in query and len(self._server.eio.sockets) >= rules.sockets:
            raise Overloaded("connections")

    async def _connect(self, sid: str, environ: Any, auth: Any = None) -> None:
        """Let a client in; raises ConnectionRefusedError, whose data is the problem."""
        if sid in self._clients:
            # An event that calls itself `connect`.
            self._clients[sid].session.say(ERROR, self._encoder.problem(InvalidInput("event", "is reserved")))
            return
        connection = HTTPConnection(environ["asgi.scope"])
        realtime = realtime_of(connection)
        try:
            caller = await caller_by(connection, token_in(auth))
            realtime.live.enter()
        except (ServiceError, RequestValidationError) as error:
            problem = json.loads(self._encoder.problem(error))
            raise socketio.exceptions.ConnectionRefusedError(problem["detail"], problem) from error
        engine_id = self._server.manager.eio_sid_from_sid(sid, "/")
        client = _Client(engine_id, realtime, realtime.live.open(caller))
        self._clients[sid], self._sids[engine_id] = client, sid
        name, greeting = realtime.live.supporter()
        client.session.say("connected", json.dumps({"supporter_name": name, "message": greeting}))
        client.telling = asyncio.create_task(self._tell(sid, client))

    async def _disconnect(self, sid: str, *_reason: Any) -> None:
        client = self._clients.pop(sid, None)
        if client is None:
            return
        self._sids.pop(client.engine_id, None)
        client.realtime.live.leave()
        await client.realtime.live.close(client.session)
        if client.telling is not None and client.telling is not asyncio.current_task():
            await stop(client.telling)

    async def _event(self, name: str, sid: str, *given: Any) -> dict[str, Any]:
        """Do what an event asks for; return what acknowledges it, which is the problem where it cannot be done."""
        client, payload = self._clients[sid], given[0] if given else None
        session = client.session
        try:
            await client.realtime.live.access.check(session.caller)
            return acknowledgement(await act(session, name, payload))
        except NotIdentified as error:
            session.end(error)
            return refusal(self._encoder.problem(error))
        except (ServiceError, RequestValidationError) as error:
            problem = self._encoder.problem(error)
            session.say(ERROR, problem, id_in(payload))
            return refusal(problem)

    async def _tell(self, sid: str, client: _Client) -> None:
        """Tell a client what happens until its session ends; then say why, and end the connection."""
        session = client.session
        try:
            async for event in session.events():
                await self._take_time(client)
                for name, data in told(event):
                    await self._server.emit(name, data, to=sid)
            if session.ended is not None:
                problem = self._encoder.problem(session.ended)
                for name, data in told(LiveEvent("", "", 0, 0, ERROR, problem)):
                    await self._server.emit(name, data, to=sid)
        except TimeoutError:
            logger.info("socketio_reader_stuck")
        await self._drop(sid)

    async def _take_time(self, client: _Client) -> None:
        """Wait for a client that reads slowly; raises TimeoutError where it does not read at all."""
        async with asyncio.timeout(client.realtime.live.rules.send_seconds):
            # Engine.IO's queue has no bound, and tells nobody when it is shorter.
            while self._packets(client) >= _MOST_PACKETS:  # noqa: ASYNC110 - see above
                await asyncio.sleep(_LOOK_SECONDS)

    def _packets(self, client: _Client) -> int:
        there = self._server.eio.sockets.get(client.engine_id)
        return int(there.queue.qsize()) if there is not None else 0

    async def _drop(self, sid: str) -> None:
        """End a client's connection, with what was sent to it before as far as it takes that soon."""
        client = self._clients.get(sid)
        if client is None:
            return
        with contextlib.suppress(TimeoutError, KeyError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._server.disconnect(sid)
                await self._server.eio.disconnect(client.engine_id)

    async def _refuse(self, engine_id: str, error: ServiceError, too_often: bool) -> None:  # noqa: FBT001 - a callback
        """Tell a client that a message of it was refused; one that was refused too often is put out."""
        sid = self._sids.get(engine_id)
        client = self._clients.get(sid or "")
        if client is None:
            await self._wire.tell_unconnected(engine_id, error)
        else:
            client.session.say(ERROR, self._encoder.problem(error))
        if too_often and client is not None:
            client.session.end(TooManyEvents("connection"))
        elif too_often:
            await self._server.eio.disconnect(engine_id)

    async def _watch(self) -> None:
        """End connections that have not become Socket.IO's in time."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            for engine_id in self._wire.silent(self._wire.rules.sign_in_seconds):
                with contextlib.suppress(TimeoutError, KeyError):
                    async with asyncio.timeout(_FLUSH_SECONDS):
                        await self._server.eio.disconnect(engine_id)
