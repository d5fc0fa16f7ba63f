"""A language model in a process of its own, and everyone who waits for its answers.

The model's library holds Python's lock while it computes: in this process, every step would stop the event loop (by
half a second where it reads a long prompt). Apart from that, a crash of its native code costs answers, not the service.
The two speak in lines of JSON, see `openvino_worker`.
"""

import asyncio
import contextlib
import itertools
import json
import logging
import subprocess
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any

from app.adapters.generators.pieces import Hear, pieces_of
from app.adapters.generators.settling import NAME, settle
from app.domain.models import Delta, Generation, Prompt
from app.errors import GenerationFailed, NotReady, Overloaded
from app.modelfiles.apart import child_environment

_LOADING_SECONDS = 5.0
_SILENCE_SECONDS = 30.0
_EXIT_SECONDS = 5.0
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Job:
    """A request inside; `hear` is told the pieces of its answer, where they are wanted."""

    hear: Hear | None
    future: "Future[Generation]" = field(default_factory=Future)


class Worker:
    """Starts the process that `prepare` returns the command of, and passes requests to it.

    At most `limit` requests are inside. A process that ends after it was ready takes everyone inside with it, and is
    started anew; one that never becomes ready is not.
    """

    def __init__(self, prepare: Callable[[], Sequence[str]], limit: int, silence: float = _SILENCE_SECONDS) -> None:
        self._prepare = prepare
        self._limit = limit
        self._silence = silence
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._jobs: dict[int, _Job] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = 0.0
        self._ready = False
        self._closed = False
        self._failure = ""
        # Opens the process and writes to it: a full pipe must not hold up the event loop.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="generator")
        self._begin()

    def check(self) -> None:
        """Raise NotReady while the model loads, GenerationFailed when it could not be loaded or is closed."""
        if self._closed or self._failure:
            raise GenerationFailed(NAME, self._failure or "closed")
        if not self._ready:
            raise NotReady(NAME, _LOADING_SECONDS)

    def ready(self) -> bool:
        """Tell whether requests can be taken."""
        return self._ready and not self._closed

    async def submit(self, prompt: Prompt, max_tokens: int) -> Generation:
        """Return the answer; cancelling the call stops the work. Raises as the Generator port says."""
        return await asyncio.wrap_future(self._enter(prompt, max_tokens, None))

    def stream(self, prompt: Prompt, max_tokens: int) -> AsyncGenerator[Delta | Generation, None]:
        """Yield the answer's pieces, then the answer; closing stops the work. Raises as the Generator port says."""
        return pieces_of(lambda hear: self._enter(prompt, max_tokens, hear))

    def _enter(self, prompt: Prompt, max_tokens: int, hear: Hear | None) -> "Future[Generation]":
        job = _Job(hear)
        with self._lock:
            self.check()
            self._end_silence()
            if len(self._jobs) >= self._limit:
                raise Overloaded(NAME)
            number = next(self._numbers)
            self._heard = self._heard if self._jobs else time.monotonic()
            self._jobs[number] = job
        job.future.add_done_callback(lambda done: self._leave(number, done))
        request = {"id": number, "system": prompt.system, "user": prompt.user, "max_tokens": max_tokens}
        self._write(request if hear is None else {**request, "stream": True})
        return job.future

    def close(self) -> None:
        """End the process; callers that still wait get GenerationFailed."""
        with self._lock:
            self._closed = True
            process = self._process
        self._pool.shutdown(wait=False, cancel_futures=True)
        if process is not None:
            process.terminate()
            try:
                process.wait(_EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._fail_all("closed")

    def _begin(self) -> None:
        # The pool refuses work when it is closed, or the interpreter is going down: then there is nothing to begin.
        with contextlib.suppress(RuntimeError):
            self._pool.submit(self._open).add_done_callback(self._opened)

    def _open(self) -> None:
        command = self._prepare()
        with self._lock:
            if self._closed:
                return
            self._process = process = subprocess.Popen(  # noqa: S603 - our own module, arguments passed as a list
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=child_environment(),
                # An interrupt at the terminal is ours to handle; the process ends when its input does.
                start_new_session=True,
            )
        threading.Thread(target=self._read, args=(process,), name="generator-answers", daemon=True).start()

    def _opened(self, opening: "Future[None]") -> None:
        error = None if opening.cancelled() else opening.exception()
        if error is not None:
            _log.error("language model failed", exc_info=error, extra={"during": "preparation"})
            self._failure = f"not loaded ({type(error).__name__})"

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        """Hand out answers until the process ends."""
        reason = ""
        with _pipe(process.stdout) as lines:
            for line in lines:
                self._heard = time.monotonic()
                message = _parsed(line)
                self._ready = self._ready or "ready" in message
                reason = message.get("failed", reason)
                for number, piece in message.get("pieces", ()):
                    self._tell(number, piece)
                if "id" in message:
                    self._answer(message)
        with contextlib.suppress(OSError):
            _pipe(process.stdin).close()
        status = process.wait()
        self._lost(reason or f"ended with status {status}")

    def _tell(self, number: int, piece: str) -> None:
        with self._lock:
            job = self._jobs.get(number)
        if job is not None and job.hear is not None:
            job.hear(piece)

    def _answer(self, message: dict[str, Any]) -> None:
        with self._lock:
            job = self._jobs.get(message["id"])
        if job is None:
            return
        answer = message.get("answer")
        settle(job.future, Generation(**answer) if answer else GenerationFailed(NAME, message["error"]))

    def _lost(self, reason: str) -> None:
        with self._lock:
            was_ready, self._ready = self._ready, False
            if self._closed:
                return
            if not was_ready:
                self._failure = "not loaded"
        _log.error("language model failed", extra={"during": "work" if was_ready else "load", "detail": reason})
        self._fail_all("its process ended")
        if was_ready:
            self._begin()

    def _end_silence(self) -> None:
        """End a process that has work and has said nothing for too long; it is started anew."""
        if self._jobs and self._process and time.monotonic() - self._heard > self._silence:
            self._heard = time.monotonic()
            self._process.kill()

    def _leave(self, number: int, done: "Future[Generation]") -> None:
        with self._lock:
            self._jobs.pop(number, None)
        if done.cancelled():
            self._write({"id": number, "cancel": True})

    def _write(self, message: dict[str, Any]) -> None:
        line = json.dumps(message).encode() + b"\n"
        try:
            self._pool.submit(_send, self._process, line)
        except RuntimeError:
            # Closed, or the interpreter is going down.
            self._fail_all("closed")

    def _fail_all(self, reason: str) -> None:
        with self._lock:
            jobs = [*self._jobs.values()]
        for job in jobs:
            settle(job.future, GenerationFailed(NAME, reason))


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process has no such pipe")
    return stream


def _parsed(line: bytes) -> dict[str, Any]:
    """Return a message, empty where a process that was killed left half a line."""
    try:
        message: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return message


def _send(process: "subprocess.Popen[bytes] | None", line: bytes) -> None:
    """Write a line; a process that has ended is noticed where its answers are read."""
    try:
        stdin = _pipe(process.stdin if process else None)
        stdin.write(line)
        stdin.flush()
    except (OSError, ValueError):
        return
