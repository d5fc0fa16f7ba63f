"""The Extractor port: files go to a few processes, which are kept, and replaced when a file was too much for one."""

import asyncio
import logging
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

from app.adapters.extraction import formats, wire
from app.adapters.extraction.answers import Answer
from app.adapters.extraction.limits import Limits
from app.adapters.extraction.process import NAME, Lost, ReadingProcess
from app.domain.extraction import ColumnMapping, Extracted
from app.domain.files import Shape
from app.errors import DependencyFailed, DocumentRefused

_TRIES = 2
_log = logging.getLogger(__name__)


class ConfinedExtractor:
    """Reads files in at most so many processes, started when they are first needed; calls may overlap."""

    def __init__(self, limits: Limits | None = None, processes: int = 2) -> None:
        self._limits = limits or Limits()
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="extraction")
        self._idle: queue.LifoQueue[ReadingProcess] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._all: set[ReadingProcess] = set()
        self._closed = False

    def suffixes(self) -> frozenset[str]:
        """Return the file name endings it reads."""
        return frozenset(formats.FORMATS)

    async def extract(self, name: str, content: bytes, mapping: ColumnMapping) -> tuple[Extracted, ...]:
        """Return the documents in a file. Raises as the Extractor port says; cancelling it ends the reading."""
        suffix = formats.ending(name)
        formats.check(suffix, content, self._limits)
        answer = await self._answer(suffix, _Call(wire.request(suffix, mapping), content))
        try:
            return answer.extracted(self._limits)
        except wire.Broken as error:
            raise DependencyFailed(NAME, str(error)) from error

    async def whole(self, suffix: str, content: bytes) -> tuple[tuple[Extracted, ...], Shape]:
        """Return a file's shape, and its documents where its text has to be taken out of it; raises as `extract`.

        What acts when it is opened (scripts, formulas) is refused: `active_content`, `unsafe_cells`.
        """
        formats.check(suffix, content, self._limits)
        answer = await self._answer(suffix, _Call(wire.request(suffix, ColumnMapping(), whole=True), content))
        try:
            return answer.shaped(self._limits)
        except wire.Broken as error:
            raise DependencyFailed(NAME, str(error)) from error

    async def _answer(self, suffix: str, call: "_Call") -> Answer:
        with self._lock:
            if self._closed:
                raise DependencyFailed(NAME, "closed")
            reading = self._threads.submit(self._read, suffix, call)
        try:
            return await asyncio.wrap_future(reading)
        except asyncio.CancelledError:
            call.cancel()
            raise

    def close(self) -> None:
        """End the processes; whoever waits for one gets DependencyFailed."""
        with self._lock:
            self._closed = True
            running = tuple(self._all)
        for process in running:
            process.stop()
        self._threads.shutdown()
        for process in tuple(self._all):
            self._end(process)

    def _read(self, suffix: str, call: "_Call") -> Answer:
        answer = self._ask(call)
        if answer.refused is not None:
            raise DocumentRefused(*answer.refused)
        if answer.fault:
            _log.warning("file refused", extra={"fault": answer.fault, "format": suffix})
            raise DocumentRefused("unreadable", "is damaged")
        return answer

    def _ask(self, call: "_Call") -> Answer:
        """Ask a process, and another one where the first had ended by itself."""
        for _ in range(_TRIES):
            process = self._taken()
            try:
                if call.begin(process):
                    return process.ask(call.head, call.content)
            except Lost as lost:
                _log.warning("file reader lost", extra={"detail": str(lost)})
            finally:
                call.end()
                self._give_back(process)
            if call.cancelled:
                break
        raise DependencyFailed(NAME, "closed" if self._closed else "ended twice while it read")

    def _taken(self) -> ReadingProcess:
        if self._closed:
            raise DependencyFailed(NAME, "closed")
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            process = ReadingProcess(self._limits)
        with self._lock:
            self._all.add(process)
        self._stop_late(process)
        return process

    def _stop_late(self, process: ReadingProcess) -> None:
        """Stop a process that began while all of them were ended."""
        if self._closed:
            process.stop()

    def _give_back(self, process: ReadingProcess) -> None:
        if process.worn:
            self._end(process)
        else:
            self._idle.put(process)

    def _end(self, process: ReadingProcess) -> None:
        process.close()
        with self._lock:
            self._all.discard(process)


class _Call:
    """One file on its way; cancelled, it takes the process that reads it along, and no other."""

    def __init__(self, head: bytes, content: bytes) -> None:
        self.head = head
        self.content = content
        self.cancelled = False
        self._process: ReadingProcess | None = None
        self._lock = threading.Lock()

    def begin(self, process: ReadingProcess) -> bool:
        """Note who reads; return whether anyone still waits for it."""
        with self._lock:
            self._process = process
            return not self.cancelled

    def end(self) -> None:
        """Note that nobody reads."""
        with self._lock:
            self._process = None

    def cancel(self) -> None:
        """Give the file up."""
        with self._lock:
            self.cancelled = True
            if self._process is not None:
                self._process.stop()
