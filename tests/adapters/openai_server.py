"""A server of OpenAI's chat completions on this machine, to be scripted byte by byte."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from app.adapters.remote.endpoint import Endpoint, openai_endpoint
from app.adapters.remote.limits import RemoteLimits, Timing
from app.adapters.remote.openai_generator import OpenAiGenerator

KEY = "sk-canary-0123456789"
TEXT = "Öffnen Sie die Einstellungen, then “reset” it 🙂.\nDone."


class Hang:
    """Say nothing more until the client leaves."""


class Cut:
    """Reset the connection."""


class End:
    """Close the connection."""


Act = bytes | float | type[Hang] | type[Cut] | type[End]
"""Something to send, seconds to wait, or an end."""


@dataclass(frozen=True)
class Ask:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def streaming(self) -> bool:
        return bool(self.body.get("stream"))


Script = Callable[[Ask], Sequence[Act]]


def words(text: str) -> list[str]:
    """Cut a text into pieces of four characters, as a model's tokens."""
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def reply(status: int, body: bytes, content_type: str = "application/json", **headers: str) -> bytes:
    """Return a reply of known length; header names with `_` for `-`."""
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}", f"content-type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def error(status: int, message: str = "no", code: str = "", param: str | None = None, **headers: str) -> bytes:
    """Return a refusal in OpenAI's shape."""
    body = {"error": {"message": message, "type": "some_error", "code": code, "param": param}}
    return reply(status, json.dumps(body).encode(), **headers)


def chunked(data: bytes) -> bytes:
    """Return one chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def event(content: str | None, finish: str | None = None, **more: Any) -> bytes:
    """Return one event of a stream."""
    delta = {} if content is None else {"content": content}
    body = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def usage_event(prompt_tokens: int, completion_tokens: int) -> bytes:
    """Return the event that bills a stream."""
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    return b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"


def events(text: str, most: int = 10_000) -> list[bytes]:
    """Return a whole answer as events, cut after `most` pieces."""
    pieces = words(text)
    finish = "length" if len(pieces) > most else "stop"
    said = [event(piece) for piece in pieces[:most]]
    return [event("", role="assistant"), *said, event(None, finish), usage_event(11, min(most, len(pieces))), DONE]


def stream(parts: Sequence[bytes]) -> bytes:
    """Return a whole stream on the wire."""
    return STREAM_HEAD + b"".join(chunked(part) for part in parts) + LAST_CHUNK


def whole(text: str, most: int = 10_000) -> bytes:
    """Return a whole answer as JSON."""
    pieces = words(text)
    finish = "length" if len(pieces) > most else "stop"
    message = {"role": "assistant", "content": "".join(pieces[:most])}
    usage = {"prompt_tokens": 11, "completion_tokens": min(most, len(pieces))}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}
    return reply(200, json.dumps(body, ensure_ascii=False).encode())


def honest(ask: Ask) -> Sequence[Act]:
    """Answer every question with TEXT, as long as it may be."""
    most = ask.body.get("max_tokens", ask.body.get("max_completion_tokens", 10_000))
    return [stream(events(TEXT, most)) if ask.streaming else whole(TEXT, most)]


@dataclass
class Server:
    """What the server at `url` has been asked; `script` says how it answers from now on."""

    url: str = ""
    script: Script = honest
    asks: list[Ask] = field(default_factory=list)
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    opened: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections.add(writer)
        self.opened += 1
        try:
            # Clients reset connections at will; that is the point of many tests.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._answer(await _ask(reader), reader, writer):
                    pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _answer(self, ask: Ask, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.asks.append(ask)
        for act in self.script(ask):
            if isinstance(act, bytes):
                writer.write(act)
                await writer.drain()
            elif isinstance(act, float):
                await asyncio.sleep(act)
            elif act is Hang:
                await reader.read(1)
                return False
            else:
                if act is Cut:
                    writer.transport.abort()
                return False
        return True


async def _ask(reader: asyncio.StreamReader) -> Ask:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Ask(method, target, headers, json.loads(body) if body else {})


@asynccontextmanager
async def serving(script: Script = honest) -> AsyncIterator[Server]:
    """Run a server for the block."""
    server = Server(script=script)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        listener.close()
        # Whoever was accepted last has a handler only now.
        await asyncio.sleep(0.01)
        for writer in [*server.connections]:
            writer.transport.abort()
        async with asyncio.timeout(5):
            while server.connections:  # noqa: ASYNC110 - the handlers end by themselves
                await asyncio.sleep(0.001)


def count(text: str) -> int:
    """Count words."""
    return len(text.split())


def endpoint(server: Server) -> Endpoint:
    """Return the server as the adapter knows it."""
    return openai_endpoint(server.url, "some-model", KEY)


@asynccontextmanager
async def asking(
    script: Script = honest, limits: RemoteLimits | None = None, timing: Timing | None = None
) -> AsyncIterator[tuple[OpenAiGenerator, Server]]:
    """Run a server, and a generator that asks it."""
    async with serving(script) as server:
        generator = OpenAiGenerator(endpoint(server), count, limits, timing=timing)
        try:
            yield generator, server
        finally:
            await generator.aclose()
