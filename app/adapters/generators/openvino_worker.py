"""The process that runs OpenVINO: `python -m <this module> MODEL CACHE LIMITS`, with the limits as JSON.

It reads lines of JSON: `{"id", "system", "user", "max_tokens", "stream"?}` asks for an answer, `{"id", "cancel": true}`
gives it up. It writes `{"ready": true}` once, then `{"id", "answer": {...}}` or `{"id", "error": "..."}`, for those who
asked for a stream `{"pieces": [[id, text], ...]}` before, `{"beat": true}` while at work, and `{"failed": "..."}`
before it ends badly. It ends when its input does.
"""

import dataclasses
import functools
import json
import os
import queue
import select
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from app.adapters.generators.openvino_pipeline import OpenVinoPipeline, PipelineLimits
from app.adapters.generators.settling import reason
from app.domain.models import Generation, Prompt
from app.errors import GenerationFailed

_BEAT_SECONDS = 2.0
_DETAIL = 4_000
# A reader cannot tell, and turning tokens to text at every step would cost the writing some percent.
_PIECE_SECONDS = 0.04

Message = dict[str, Any]


class Stream(Protocol):
    """One answer being written."""

    def finished(self) -> Generation | None:
        """Return the whole answer once it is written, None before. Raises GenerationFailed."""
        ...

    def piece(self) -> str:
        """Return what was written since the last call, as far as it will stay as it is."""
        ...

    def rest(self, answer: Generation) -> str:
        """Return what no piece has told of the whole answer."""
        ...

    def cancel(self) -> None:
        """Give the answer up; the next step frees what it held."""
        ...


class Pipeline(Protocol):
    """A model that writes many answers at once, a step at a time."""

    def start(self, prompt: Prompt, max_tokens: int) -> Stream:
        """Begin an answer. Raises GenerationFailed where the prompt cannot be taken."""
        ...

    def step(self) -> bool:
        """Write the next token of every answer, and tell whether any is unfinished."""
        ...


class Loop:
    """Steps a pipeline for as long as anyone waits; requests join and leave between two steps."""

    def __init__(
        self,
        pipeline: Pipeline,
        inbox: "queue.SimpleQueue[Message]",
        send: Callable[[Message], None],
        idle: Callable[[], bool] = lambda: True,
    ) -> None:
        """`idle` tells whether what was sent has been taken: pieces wait until then and go together."""
        self._pipeline = pipeline
        self._inbox = inbox
        self._send = send
        self._idle = idle
        self._streams: dict[int, Stream] = {}
        self._listened: set[int] = set()
        self._unfinished = False
        self._beaten = self._told = time.monotonic()

    def turn(self) -> None:
        """Take in what arrived, waiting for it where there is nothing to do; step once; hand out what is done."""
        for message in self._arrived():
            self._take(message)
        self._unfinished = self._pipeline.step()
        self._streams = {number: stream for number, stream in self._streams.items() if not self._over(number, stream)}
        self._listened &= self._streams.keys()
        now = time.monotonic()
        if self._listened and now - self._told >= _PIECE_SECONDS and self._idle():
            self._told = now
            self._tell([(number, self._streams[number].piece()) for number in sorted(self._listened)])
        if now - self._beaten > _BEAT_SECONDS:
            self._beaten = now
            self._send({"beat": True})

    def _tell(self, pieces: Iterable[tuple[int, str]]) -> None:
        told = [(number, piece) for number, piece in pieces if piece]
        if told:
            self._send({"pieces": told})

    def _arrived(self) -> Iterable[Message]:
        if not self._unfinished:
            yield self._inbox.get()
        while not self._inbox.empty():
            yield self._inbox.get()

    def _take(self, message: Message) -> None:
        number = message["id"]
        if message.get("cancel"):
            stream = self._streams.pop(number, None)
            if stream is not None:
                stream.cancel()
            return
        try:
            prompt = Prompt(message["system"], message["user"])
            self._streams[number] = self._pipeline.start(prompt, message["max_tokens"])
            if message.get("stream"):
                self._listened.add(number)
        except GenerationFailed as error:
            self._send({"id": number, "error": reason(error)})

    def _over(self, number: int, stream: Stream) -> bool:
        try:
            done = stream.finished()
        except GenerationFailed as error:
            self._send({"id": number, "error": reason(error)})
            return True
        if done is not None:
            if number in self._listened:
                self._tell([(number, stream.rest(done))])
            self._send({"id": number, "answer": dataclasses.asdict(done)})
        return done is not None


def main(arguments: list[str]) -> int:
    """Load the model and serve until the input ends."""
    model, cache_dir, limits = arguments
    send, idle = _answers()
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(inbox,), daemon=True).start()
    sys.excepthook = functools.partial(_report, send)
    pipeline = OpenVinoPipeline(Path(model), Path(cache_dir), PipelineLimits(**json.loads(limits)))
    loop = Loop(pipeline, inbox, send, idle)
    send({"ready": True})
    while True:
        loop.turn()


def _answers() -> tuple[Callable[[Message], None], Callable[[], bool]]:
    """Return a function that writes a line to the parent, and one that tells whether it would have to wait.

    Whatever libraries print goes to stderr instead.
    """
    channel = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(message: Message) -> None:
        os.write(channel, json.dumps(message).encode() + b"\n")

    def idle() -> bool:
        return bool(select.select([], [channel], [], 0)[1])

    return send, idle


def _report(send: Callable[[Message], None], _: type[BaseException], error: BaseException, __: object) -> None:
    """Tell the parent why this process ends; it has a log, and this one has none."""
    send({"failed": "".join(traceback.format_exception(error))[-_DETAIL:]})


def _listen(inbox: "queue.SimpleQueue[Message]") -> None:
    """Pass on what the parent asks for; end at once when the parent is gone, whatever is being computed."""
    for line in sys.stdin:
        inbox.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
