"""The real-time channels as callers of a service under faults see them: a question in, its end out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from live_clients import Line, Phone, line, phone

LONGEST = 5.0
"""How long an answer may take, and a connection to be made: far less than the 20 s that a question has."""

Told = dict[str, Any]


class Channel(Protocol):
    """A connection over which questions are asked."""

    async def ask(self, message: Told) -> Told:
        """Return the event that ends the answer, its name under `event`."""
        ...

    async def join(self, conversation: str) -> str:
        """Listen to a conversation; return the code it was refused with, else nothing."""
        ...


@dataclass
class Socket:
    """The plain WebSocket."""

    line: Line

    async def ask(self, message: Told) -> Told:
        await self.line.send(type="question", **message)
        heard = await self.line.until("final_answer", "error", "cancelled", seconds=LONGEST)
        mine = [one for one in heard if one["type"] != "ping"]
        assert {one.get("id", message["id"]) for one in mine} == {message["id"]}, "nothing of anything else is told"
        return {"event": heard[-1]["type"], **heard[-1]}

    async def join(self, conversation: str) -> str:
        await self.line.send(type="join", conversation_id=conversation)
        told = (await self.line.until("joined", "error", seconds=LONGEST))[-1]
        return str(told.get("code", ""))


@dataclass
class Emitter:
    """Socket.IO."""

    phone: Phone

    async def ask(self, message: Told) -> Told:
        assert (await self.phone.call("send_message", message))["ok"] is True
        heard = await self.phone.until("token_usage", "error", "cancelled", seconds=LONGEST)
        assert {data.get("id", message["id"]) for _name, data in heard} == {message["id"]}
        name, data = heard[-2 if heard[-1][0] == "token_usage" else -1]
        return {"event": name, **data}

    async def join(self, conversation: str) -> str:
        told = await self.phone.call("join", {"conversation_id": conversation})
        await self.phone.until("joined" if told["ok"] else "error", seconds=LONGEST)
        return str(told.get("code", ""))


@asynccontextmanager
async def channel(port: int, kind: str, cookie: str) -> AsyncIterator[Channel]:
    """Connect as the owner of a session."""
    async with AsyncExitStack() as stack:
        headers = {"Cookie": cookie}
        if kind == "websocket":
            opened = await stack.enter_async_context(line(port, additional_headers=headers))
            yield Socket(opened)
        else:
            transports = ["polling"] if kind == "polling" else ["websocket"]
            there = await stack.enter_async_context(phone(port, headers=headers, transports=transports))
            await there.until("connected")
            yield Emitter(there)
