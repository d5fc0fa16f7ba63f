"""Reading a reply: no more than so many bytes, no longer than so many seconds, whole or not at all."""

import asyncio
from collections.abc import AsyncGenerator

import httpx

from app.adapters.remote.completion import Joiner, Piece, parsed, read_piece
from app.adapters.remote.failures import Failed
from app.adapters.remote.limits import Budget
from app.adapters.remote.sse import EventParser

_DONE = b"[DONE]"
# Once the text is complete, its bill and the end of the stream are worth this much waiting.
_AFTER_FINISH_SECONDS = 0.5
_MOST_REFUSAL_BYTES = 65_536


class Incoming:
    """The bytes of a reply, in the pieces they come in. Raises Failed past `most` bytes, or when time is up."""

    def __init__(self, response: httpx.Response, budget: Budget, idle_seconds: float, most: int) -> None:
        self._pieces = response.aiter_raw()
        self._budget = budget
        self._idle_seconds = idle_seconds
        self._room = most
        self._begun = False

    async def next(self, most_seconds: float | None = None) -> bytes | None:
        """Return the next piece, None at the end. The first has all the time there is: the model reads first."""
        idle = self._idle_seconds if self._begun else self._budget.left()
        seconds = min(self._budget.left(), idle if most_seconds is None else most_seconds)
        try:
            async with asyncio.timeout(seconds):
                piece = await anext(self._pieces, None)
        except TimeoutError as error:
            raise Failed("it fell silent") from error
        except httpx.HTTPError as error:
            raise Failed(f"its answer broke off ({type(error).__name__})") from error
        self._begun = True
        self._room -= len(piece or b"")
        if self._room < 0:
            raise Failed("its answer is too large")
        return piece


async def read_body(response: httpx.Response, budget: Budget, most: int = _MOST_REFUSAL_BYTES) -> bytes:
    """Return a whole body. Raises Failed."""
    # A server that computes for long before it says anything is not idle.
    incoming = Incoming(response, budget, budget.left(), most)
    body = bytearray()
    while (piece := await incoming.next()) is not None:
        body += piece
    return bytes(body)


async def read_stream(
    response: httpx.Response, budget: Budget, idle_seconds: float, most: int
) -> AsyncGenerator[Piece, None]:
    """Yield what the events of a stream say, text without half characters. Raises Failed where it ends too early."""
    incoming = Incoming(response, budget, idle_seconds, most)
    parser, joiner = EventParser(), Joiner()
    ended = finished = False
    while not ended:
        events, ended = await _events(incoming, parser, finished=finished)
        for event in events:
            if event.strip() == _DONE:
                finished = ended = True
                break
            piece = read_piece(parsed(event), "delta")
            finished = finished or bool(piece.finish)
            yield Piece(joiner.add(piece.text), piece.finish, piece.usage)
    if not finished:
        raise Failed("its answer broke off")
    yield Piece(joiner.rest())
    await _drained(incoming)


async def _events(incoming: Incoming, parser: EventParser, *, finished: bool) -> tuple[list[bytes], bool]:
    """Return the next events, and whether they are the last. After the text is complete, nothing that fails counts."""
    try:
        piece = await incoming.next(_AFTER_FINISH_SECONDS if finished else None)
    except Failed:
        if finished:
            return [], True
        raise
    return (parser.close(), True) if piece is None else (parser.feed(piece), False)


async def _drained(incoming: Incoming) -> None:
    """Read to the end, which mostly is there already: only then can the connection be used again."""
    try:
        while await incoming.next(_AFTER_FINISH_SECONDS / 10) is not None:
            pass
    except Failed:
        return
