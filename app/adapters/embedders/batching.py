"""One worker thread in front of a model: what is waiting is run together, and never more than is good for memory.

Short jobs (questions) and long ones (documents to be indexed) wait apart, so that a question is answered between two
slices of an index run. A text runs with others of about its length: what is padded is computed for nothing.

Nobody waits for company: an idle model begins at once, and whatever arrives meanwhile is the next run. To wait 3 ms
for more was measured with 64 clients and gained nothing: as long as one run works, the next fills up.
"""

import asyncio
import itertools
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

    A run holds at most `texts` texts (of questions, `quick_texts`) and `size` bytes, where every text counts as long as
    the longest of them, and none as longer than `longest`. `quick` and `bulk` are how many texts may wait in jobs of
    few texts, and of many.
    """

    texts: int = 64
    # With more, the cores that make answers of the vectors would stand still while all wait for one run.
    quick_texts: int = 16
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

    @property
    def longest(self) -> int:
        """The size of its longest text, in bytes."""
        return max(self.sizes)

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
        self._planned: deque[list[_Job]] = deque()
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
            self._planned.clear()
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
        return self._take_bulk() if bulk_turn else self._take_quick()

    def _take_bulk(self) -> _Batch:
        """Take the longest texts that still wait of the oldest job, and of those behind it while there is room."""
        batch: _Batch = []
        longest = 1
        while self._bulk and len(batch) < self._limits.texts:
            job = self._bulk[0]
            longest = max(longest, job.sizes[job.order[0]])
            if batch and longest * (len(batch) + 1) > self._limits.size:
                break
            batch.append((job, job.order.popleft()))
            _drop_done(self._bulk)
        return batch

    def _take_quick(self) -> _Batch:
        """Take the next run of the plan; where none is left, plan runs of like length over the oldest jobs."""
        if not self._planned:
            self._plan()
        while self._planned:
            batch = [
                (job, job.order.popleft()) for job in self._planned.popleft() if job.order and not job.future.done()
            ]
            _drop_done(self._quick)
            if batch:
                return batch
        return []

    def _plan(self) -> None:
        """Cut the oldest jobs, by length, into runs. All of them run before whoever comes later: none waits forever."""
        oldest = itertools.chain.from_iterable([job] * len(job.order) for job in self._quick)
        run: list[_Job] = []
        for job in sorted(itertools.islice(oldest, self._limits.texts), key=lambda job: job.longest):
            full = len(run) == self._limits.quick_texts or job.longest * (len(run) + 1) > self._limits.size
            if run and full:
                self._planned.append(run)
                run = []
            run.append(job)
        self._planned += [run] if run else []

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
