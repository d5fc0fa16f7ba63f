"""The plain WebSocket, `/ws/chat`: typed JSON events, and plain lines as questions, so that `wscat` works."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.api.leaving import stop
from app.api.problems import respond
from app.api.realtime import events
from app.api.realtime.channel import Idle, caller_by, check_origin, close_code, realtime_of
from app.api.realtime.events import AuthEvent, checked, loaded
from app.domain.identities import Caller
from app.domain.live import ERROR, LiveEvent
from app.errors import InvalidInput, NotIdentified, ServiceError
from app.services.live.gate import Gate
from app.services.live.rules import TooManyEvents
from app.services.live.session import LiveSession

router = APIRouter()

_FLUSH_SECONDS = 2.0
_TOO_LARGE = 413

Act = Callable[[LiveSession, Mapping[str, Any]], Awaitable[Any]]
_ACTS: Mapping[str, Act] = {
    "question": events.ask,
    "resume": events.resume,
    "join": events.join,
    "cancel": events.cancel,
}


@router.websocket("/ws/chat")
async def chat_socket(websocket: WebSocket) -> None:
    """Answer the questions of one connection."""
    live = realtime_of(websocket).live
    try:
        check_origin(websocket)
        live.enter()
    except ServiceError as error:
        await _deny(websocket, error)
        return
    try:
        await websocket.accept()
        await _Connection(websocket).serve()
    except (WebSocketDisconnect, OSError):
        # Gone while something was sent: there is nobody left to tell.
        return
    finally:
        live.leave()


class _Connection:
    """One WebSocket, from its greeting to its end."""

    def __init__(self, websocket: WebSocket) -> None:
        realtime = realtime_of(websocket)
        self._socket = websocket
        self._live = realtime.live
        self._rules = realtime.live.rules
        self._encoder = realtime.encoder
        self._gate = Gate(self._rules)
        self._next: Caller | None = None
        self._heard = time.monotonic()

    async def serve(self) -> None:
        """Greet, find out who it is, and answer until one of the two ends it."""
        name, greeting = self._live.supporter()
        await self._send(_frame("init", json.dumps({"supporter_name": name})))
        await self._send(_frame("greeting", json.dumps({"message": greeting})))
        try:
            async with asyncio.timeout(self._rules.sign_in_seconds):
                caller: Caller | None = await self._sign_in()
        except TimeoutError:
            await self._end(NotIdentified("nothing said who it is in time"))
            return
        while caller is not None:
            caller = await self._converse(caller)

    async def _sign_in(self) -> Caller | None:
        """Return who it is: by the handshake, else by the first event; None where it left."""
        try:
            return await caller_by(self._socket)
        except NotIdentified as error:
            await self._send(_frame(ERROR, self._encoder.problem(error)))
        while (message := await self._socket.receive())["type"] == "websocket.receive":
            try:
                self._gate.knock()
                given = self._read(message)
                if given.pop("type", None) != "auth":
                    raise NotIdentified("an event before it was said who it is")
                caller = await caller_by(self._socket, checked(AuthEvent, given).token)
            except (ServiceError, HTTPException, RequestValidationError) as error:
                await self._send(_frame(ERROR, self._encoder.problem(error)))
                if self._gate.exhausted:
                    return None
            else:
                await self._send(_frame("authenticated", "{}"))
                return caller
        return None

    async def _converse(self, caller: Caller) -> Caller | None:
        """Answer a caller; return who goes on in its place on this connection, if anybody does."""
        session = self._live.open(caller)
        telling = asyncio.create_task(self._tell(session))
        listening = asyncio.create_task(self._listen(session))
        try:
            await asyncio.wait({telling, listening}, return_when=asyncio.FIRST_COMPLETED)
            if session.ended is not None:
                await asyncio.wait({telling}, timeout=_FLUSH_SECONDS)
        finally:
            await stop(telling, listening)
            await self._live.close(session)
        if session.ended is not None:
            await self._end(session.ended)
        elif not listening.cancelled():
            listening.result()
            return self._next
        return None

    async def _tell(self, session: LiveSession) -> None:
        async for event in session.events():
            await self._send(_framed(event))

    async def _listen(self, session: LiveSession) -> None:
        """Take events until the client leaves, is somebody else, or has gone too far."""
        self._next = None
        while self._next is None:
            try:
                async with asyncio.timeout(self._rules.ping_seconds):
                    message = await self._socket.receive()
            except TimeoutError:
                self._look_alive(session)
                continue
            if message["type"] != "websocket.receive":
                return
            self._heard = time.monotonic()
            await self._take(session, message)

    def _look_alive(self, session: LiveSession) -> None:
        if session.busy:
            self._heard = time.monotonic()
        if time.monotonic() - self._heard > self._rules.idle_seconds:
            session.end(Idle("nothing was said"))
        session.say("ping", "{}")

    async def _take(self, session: LiveSession, message: Mapping[str, Any]) -> None:
        """Do what an event asks for, or say why not."""
        given: dict[str, Any] = {}
        try:
            self._gate.knock()
            await self._live.access.check(session.caller)
            given = self._read(message)
            await self._act(session, given)
        except NotIdentified as error:
            session.end(error)
        except (ServiceError, HTTPException, RequestValidationError) as error:
            session.say(ERROR, self._encoder.problem(error), _id_of(given))
            if self._gate.exhausted:
                session.end(TooManyEvents("connection"))

    async def _act(self, session: LiveSession, given: dict[str, Any]) -> None:
        kind = given.pop("type", None)
        if kind == "ping":
            session.say("pong", "{}")
        elif kind == "auth":
            self._next = await caller_by(self._socket, checked(AuthEvent, given).token)
            await self._send(_frame("authenticated", "{}"))
        elif isinstance(kind, str) and kind in _ACTS:
            await _ACTS[kind](session, given)
        elif kind != "pong":
            raise InvalidInput("type", f"must be one of {', '.join(_ACTS)}, auth, ping, pong")

    def _read(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return the event a frame is; a line that is no JSON is a question."""
        text = message.get("text")
        if text is None:
            raise InvalidInput("frame", "must be text in UTF-8")
        if len(text) > self._rules.frame_bytes or len(text.encode(errors="replace")) > self._rules.frame_bytes:
            raise HTTPException(_TOO_LARGE)
        if text.lstrip()[:1] in {"{", "["}:
            return loaded(text)
        return {"type": "question", "message": text}

    async def _send(self, text: str) -> None:
        """Send a frame; raises TimeoutError where the client does not read."""
        async with asyncio.timeout(self._rules.send_seconds):
            await self._socket.send_text(text)

    async def _end(self, error: ServiceError) -> None:
        """Say why, and close."""
        with contextlib.suppress(TimeoutError, RuntimeError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                if not isinstance(error, Idle):
                    await self._socket.send_text(_frame(ERROR, self._encoder.problem(error)))
                await self._socket.close(close_code(error), error.code)


def _framed(event: LiveEvent) -> str:
    return _frame(event.name, event.data, event.id, event.sequence)


def _frame(name: str, data: str, message_id: str = "", sequence: int = 0) -> str:
    """Return an event as it goes over the wire; `data` is a JSON object already."""
    head = f'{{"type":"{name}"'
    if message_id:
        head += f',"id":"{message_id}"'
    if sequence:
        head += f',"seq":{sequence}'
    return f"{head}}}" if data == "{}" else f"{head},{data[1:]}"


def _id_of(given: Mapping[str, Any]) -> str:
    """Return the id an event named, where it is one."""
    try:
        return str(checked(events.CancelEvent, {"id": given.get("id")}).id)
    except RequestValidationError:
        return ""


async def _deny(websocket: WebSocket, error: ServiceError) -> None:
    """Refuse the handshake, with the problem where the server can send it."""
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await respond(websocket.scope, error)(websocket.scope, websocket.receive, websocket.send)
    else:
        await websocket.close(close_code(error), error.code)
