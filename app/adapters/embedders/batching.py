"""One worker thread in front of a model: what is waiting is run together, and never more than is good for memory.

Short jobs (questions) and long ones (documents to be indexed) wait apart, so that a question is answered between two
slices of an index run.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from app.domain.models import Vectors
from app.errors import DependencyFailed, Overloaded

_NAME = "embedding model"
_QUICK_TEXTS = 8
_QUICK_TURNS = 8


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much runs at once and how much may wait.

    A run holds at most `texts` texts and `size` bytes, where every text counts as long as the longest of them, and
    none as longer than `longest`. `quick` and `bulk` are how many texts may wait in jobs of few texts, and of many.
    """

    texts: int = 64
    size: int = 16_384
    longest: int = 1_024
    quick: int = 512
    bulk: int = 4_096


@dataclass(slots=True)
class _Job:
    """One caller's texts; `order` holds the positions that still have to run, the longest text first."""

    texts: Sequence[str]
    sizes: Sequence[int]
    order: deque[int]
    future: "Future[Vectors]" = field(default_factory=Future)
    rows: dict[int, Vectors] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Sequence[str], longest: int) -> "_Job":
        # Bytes, since a character outside the Latin alphabet is often a token of its own.
        sizes = [min(len(text[:longest].encode("utf-8", "replace")), longest) for text in texts]
        return cls(texts, sizes, deque(sorted(range(len(texts)), key=sizes.__getitem__, reverse=True)))


_Batch: TypeAlias = list[tuple[_Job, int]]


class Batcher:
    """Gathers texts of many callers into runs of one model on one thread.

    `run` maps texts to one row each; only the worker thread calls it.
    """

    def __init__(self, run: Callable[[list[str]], Vectors], limits: BatchLimits | None = None) -> None:
        self._run = run
        self._limits = limits or BatchLimits()
        self._lock = threading.Lock()
        self._quick: deque[_Job] = deque()
        self._bulk: deque[_Job] = deque()
        self._quick_turns = 0
        self._running = False
        self._closed = False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="embedder")

    async def submit(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text, of which there must be one. Raises Overloaded, DependencyFailed."""
        job = _Job.of(texts, self._limits.longest)
        with self._lock:
            self._admit(job)
            batch = [] if self._running else self._take()
            self._running = self._running or bool(batch)
        self._send(batch)
        return await asyncio.wrap_future(job.future)

    def close(self) -> None:
        """End the thread after the run at hand; callers that still wait get DependencyFailed."""
        with self._lock:
            self._closed = True
            waiting = [*self._quick, *self._bulk]
            self._quick.clear()
            self._bulk.clear()
        self._pool.shutdown(wait=True)
        _fail(waiting, "closed")

    def _admit(self, job: _Job) -> None:
        if self._closed:
            raise DependencyFailed(_NAME, "closed")
        quick = len(job.texts) <= _QUICK_TEXTS
        lane, room = (self._quick, self._limits.quick) if quick else (self._bulk, self._limits.bulk)
        waiting = sum(len(other.order) for other in lane if not other.future.done())
        # A job larger than the whole room is let in when nothing else waits: it could never run otherwise.
        if waiting and waiting + len(job.texts) > room:
            raise Overloaded(_NAME)
        lane.append(job)

    def _take(self) -> _Batch:
        """Take the texts of the next run out of one lane: a question must not wait for a document beside it."""
        for lane in (self._quick, self._bulk):
            _drop_done(lane)
        bulk_turn = bool(self._bulk) and (not self._quick or self._quick_turns >= _QUICK_TURNS)
        self._quick_turns = 0 if bulk_turn else self._quick_turns + 1
        lane = self._bulk if bulk_turn else self._quick
        batch: _Batch = []
        longest = 1
        while lane and len(batch) < self._limits.texts:
            job = lane[0]
            longest = max(longest, job.sizes[job.order[0]])
            if batch and longest * (len(batch) + 1) > self._limits.size:
                break
            batch.append((job, job.order.popleft()))
            _drop_done(lane)
        return batch

    def _send(self, batch: _Batch) -> None:
        if not batch:
            return
        try:
            run = self._pool.submit(self._checked_run, [job.texts[position] for job, position in batch])
        except RuntimeError:
            # Closed between taking the batch and sending it.
            _fail((job for job, _ in batch), "closed")
            return
        run.add_done_callback(lambda done: self._deliver(batch, done))

    def _checked_run(self, texts: list[str]) -> Vectors:
        rows = self._run(texts)
        if len(rows) != len(texts):
            raise RuntimeError(f"{len(rows)} rows for {len(texts)} texts")
        return rows

    def _deliver(self, batch: _Batch, done: "Future[Vectors]") -> None:
        """Hand a run's outcome to everyone who waited for it, then begin the next; runs on the worker thread."""
        error = done.exception()
        if error is None:
            _hand_out(batch, done.result())
        else:
            _fail((job for job, _ in batch), type(error).__name__, error)
        with self._lock:
            following = self._take()
            self._running = bool(following)
        self._send(following)


def _drop_done(lane: deque[_Job]) -> None:
    """Drop jobs from the front of a lane that have nothing left to run, or nobody left to wait."""
    while lane and (not lane[0].order or lane[0].future.done()):
        lane.popleft()


def _hand_out(batch: _Batch, rows: Vectors) -> None:
    for (job, position), row in zip(batch, rows, strict=True):
        job.rows[position] = row
        if len(job.rows) < len(job.texts):
            continue
        try:
            job.future.set_result(np.stack([job.rows[index] for index in range(len(job.texts))]))
        except InvalidStateError:
            continue  # The caller has left.


def _fail(jobs: Iterable[_Job], reason: str, cause: BaseException | None = None) -> None:
    for job in jobs:
        failure = DependencyFailed(_NAME, reason)
        failure.__cause__ = cause
        try:
            job.future.set_exception(failure)
        except InvalidStateError:
            continue  # The caller has left, or heard of it already.
