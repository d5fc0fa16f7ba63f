"""A model's text piece by piece: what may be told already, and how it reaches who asked for it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future

from app.domain.models import Delta, Generation

_HALF_CHARACTER = "\ufffd"

Hear = Callable[[str], None]
"""Takes a piece of text; may be called by any thread."""


class Told:
    """How much of a growing text has been told.

    A tokenizer's text may end in half a character, and in white space that the finished text will not have; both are
    kept back until something follows. Every piece told stays as it is: joined, they are the finished text.
    """

    def __init__(self) -> None:
        self._text = ""

    def more(self, written: str) -> str:
        """Return what may be told of the text so far and was not told yet."""
        settled = written.lstrip()
        while settled != (shorter := settled.rstrip(_HALF_CHARACTER).rstrip()):
            settled = shorter
        return self._tell(settled)

    def rest(self, whole: str) -> str:
        """Return what is still to be told of the finished text."""
        return self._tell(whole)

    def _tell(self, settled: str) -> str:
        # A tokenizer that rewrites what it said is waited for: the finished text comes whole in any case.
        if not settled.startswith(self._text):
            return ""
        piece = settled[len(self._text) :]
        self._text = settled
        return piece


async def pieces_of(begin: Callable[[Hear], "Future[Generation]"]) -> AsyncGenerator[Delta | Generation, None]:
    """Begin an answer and yield its pieces as they are heard, then the whole; closing the iterator cancels it."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[str | None] = asyncio.Queue()

    def hear(piece: str | None) -> None:
        # A loop that is closed has nobody left who listens.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(heard.put_nowait, piece)

    future = begin(hear)
    future.add_done_callback(lambda _: hear(None))
    try:
        while (piece := await heard.get()) is not None:
            yield Delta(piece)
        yield future.result()
    finally:
        future.cancel()
