"""Engine.IO below Socket.IO: what clients send is bounded and sound before Socket.IO sees it.

`python-socketio` logs what it cannot read and tells nobody; binary attachments it collects without a bound. Here every
message is counted, what is not plain JSON is refused, and the client is told.
"""

import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic_core import from_json

from app.api.realtime.encoding import WireEncoder
from app.errors import InvalidInput, NotIdentified, ServiceError
from app.services.live.gate import Gate
from app.services.live.rules import LiveRules

logger = logging.getLogger("app.socketio")

_CONNECT = "0"
_BINARY = frozenset("56")
_KNOWN = frozenset("0123")
_CONNECT_ERROR = "4"

Refuse = Callable[[str, ServiceError, bool], Awaitable[None]]
"""Tells the client of a connection what was wrong, and ends the connection where that was so too often."""


class Json:
    """JSON as `python-socketio` wants it; whatever is nested how deeply, reading it fails by ValueError alone."""

    loads = staticmethod(from_json)

    @staticmethod
    def dumps(value: Any, **options: Any) -> str:
        """Return a value as JSON."""
        return json.dumps(value, **options)


class QuietLogger(logging.LoggerAdapter[logging.Logger]):
    """Tells of what clients did wrong in one line each, without stacks, and of nothing at the level below."""

    def info(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Say nothing: session ids and what was asked would be in it."""

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Say nothing: one line for every wrong message is one line too many."""

    def exception(self, msg: object, *_args: object, **_kwargs: Any) -> None:
        """Say that a message could not be handled."""
        super().warning("socketio_message_failed", extra={"what": str(msg)[:100]})

    def error(self, msg: object, *_args: object, **_kwargs: Any) -> None:
        """Say what went wrong, without a stack."""
        super().warning("socketio_error", extra={"what": str(msg)[:100]})


class Wire:
    """Guards the messages of all Engine.IO connections of one server.

    `is_connected` tells whether a connection is one of Socket.IO's by now.
    """

    def __init__(self, engine: Any, is_connected: Callable[[str], bool], refuse: Refuse) -> None:
        self._engine = engine
        self._is_connected = is_connected
        self._refuse = refuse
        self._gates: dict[str, Gate] = {}
        self._message = engine.handlers["message"]
        self._disconnected = engine.handlers["disconnect"]
        self._encoder = WireEncoder()
        self.rules = LiveRules()
        self.seen: dict[str, float] = {}
        engine.on("message", self.take)
        engine.on("disconnect", self.forget)

    async def take(self, engine_id: str, data: str | bytes) -> None:
        """Hand a message on to Socket.IO, or say why not."""
        gate = self._gates.setdefault(engine_id, Gate(self.rules))
        try:
            gate.knock()
            self._check(engine_id, data)
        except ServiceError as error:
            await self._refuse(engine_id, error, gate.exhausted)
            return
        try:
            await self._message(engine_id, data)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            logger.debug("socketio_message_unreadable", exc_info=error)
            await self._refuse(engine_id, InvalidInput("body", "is no event of Socket.IO"), gate.exhausted)

    async def forget(self, engine_id: str, reason: str) -> None:
        """Forget a connection that is gone."""
        self._gates.pop(engine_id, None)
        self.seen.pop(engine_id, None)
        await self._disconnected(engine_id, reason)
        there = self._engine.sockets.get(engine_id)
        if there is not None and reason == self._engine.reason.CLIENT_DISCONNECT:
            # The client's last poll would wait for a ping that no longer comes.
            there.queue.put_nowait(None)

    async def tell_unconnected(self, engine_id: str, error: ServiceError) -> None:
        """Answer a client that has not connected to Socket.IO, in the only way it can be."""
        problem = json.loads(self._encoder.problem(error))
        said = {"message": problem["detail"], "data": problem}
        await self._engine.send(engine_id, _CONNECT_ERROR + json.dumps(said))

    def silent(self, seconds: float) -> list[str]:
        """Return the connections that have not become Socket.IO's within some seconds."""
        now = time.monotonic()
        for engine_id in self._engine.sockets:
            self.seen.setdefault(engine_id, now)
        for engine_id in self.seen.keys() - self._engine.sockets.keys():
            del self.seen[engine_id]
        late = (each for each, since in self.seen.items() if now - since > seconds)
        return [each for each in late if not self._is_connected(each)]

    def _check(self, engine_id: str, data: str | bytes) -> None:
        if isinstance(data, bytes) or data[:1] in _BINARY:
            raise InvalidInput("frame", "must be text in UTF-8")
        if data[:1] not in _KNOWN:
            raise InvalidInput("body", "is no event of Socket.IO")
        connected = self._is_connected(engine_id)
        if data[:1] == _CONNECT and connected:
            raise InvalidInput("body", "is connected already")
        if data[:1] != _CONNECT and not connected:
            raise NotIdentified("an event before the connection was made")
