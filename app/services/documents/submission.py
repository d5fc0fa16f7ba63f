"""Handing files in: kept first, then entered together with the job that takes them in."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from app.domain.documents import Change, Incoming, Job, JobKind, Outcome, Refusal, Stored
from app.domain.extraction import ColumnMapping
from app.errors import DocumentRefused
from app.ports.documents import RawFiles, Submissions
from app.services.documents import names

WRITERS: Final = 8
"""Files written at once: waiting for the disk, they wait together."""

Open = Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file as it is handed in. `media_type` is empty where the name's ending decides."""

    name: str
    origin: str
    open: Open
    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    media_type: str = ""
    create: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of the files, in their order, and the job; there is none where there is nothing to be done."""

    job: Job | None
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Submission:
    """Takes files from people. `suffixes` are the endings that are read, `most` the bytes of the largest file."""

    submissions: Submissions
    raw: RawFiles
    suffixes: frozenset[str]
    most: int

    async def add(self, candidates: Sequence[Candidate]) -> Submitted:
        """Enter files; raises StoreFailed, DiskFull, and then nothing of it is kept."""
        return await asyncio.to_thread(self._enter, candidates, JobKind.ADD, None, None)

    async def replace(self, file_id: str, candidate: Candidate, revision: int | None = None) -> Submitted:
        """Enter a new version of a file; raises NotFound, Conflict, and what `add` raises."""
        return await asyncio.to_thread(self._enter, [candidate], JobKind.REPLACE, file_id, revision)

    def _enter(
        self, candidates: Sequence[Candidate], kind: JobKind, file_id: str | None, revision: int | None
    ) -> Submitted:
        kept: dict[int, Incoming] = {}
        refused: dict[int, Outcome] = {}

        def keep(at: int) -> None:
            candidate = candidates[at]
            try:
                kept[at] = self._keep(candidate, file_id, revision)
            except DocumentRefused as error:
                told = Refusal(error.reason, error.detail)
                refused[at] = Outcome(_name(candidate), Change.REFUSED, refusal=told)

        try:
            _for_each(keep, len(candidates))
            kept = dict(sorted(kept.items()))
            self.raw.settle()
            job, outcomes = self.submissions.accept(list(kept.values()), kind) if kept else (None, ())
        except BaseException:
            self.raw.remove([one.stored.key for one in kept.values()])
            raise
        entered = dict(zip(kept, outcomes, strict=True))
        unused = [kept[at].stored.key for at, outcome in entered.items() if not _taken(outcome)]
        self.raw.remove(unused)
        return Submitted(job, tuple((entered | refused)[at] for at in range(len(candidates))))

    def _keep(self, candidate: Candidate, file_id: str | None, revision: int | None) -> Incoming:
        name = _name(candidate)
        if not candidate.media_type and names.ending(name) not in self.suffixes:
            known = ", ".join(sorted(self.suffixes))
            raise DocumentRefused("unknown_format", f"files of this type are not read; these are: {known}")
        return Incoming(
            name=name,
            origin=candidate.origin,
            stored=self._store(candidate),
            media_type=candidate.media_type or names.media_type(name),
            mapping=candidate.mapping,
            file_id=file_id,
            revision=revision,
            create=candidate.create,
        )

    def _store(self, candidate: Candidate) -> Stored:
        try:
            with candidate.open() as source:
                return self.raw.put(source, self.most)
        except OSError as error:
            raise DocumentRefused("unreadable", f"cannot be read ({error.strerror})") from error


def _for_each(work: Callable[[int], None], count: int) -> None:
    """Call `work` with 0, 1, ...; raise the first of its errors once nothing runs any more."""
    if count == 1:
        work(0)
        return
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="keeping") as pool:
        for done in [pool.submit(work, at) for at in range(count)]:
            done.result()


def _name(candidate: Candidate) -> str:
    """Return what is shown; the title of a document that came without a file may hold slashes."""
    return names.shown(candidate.name) if candidate.media_type else names.display_name(candidate.name)


def _taken(outcome: Outcome) -> bool:
    return outcome.change in {Change.ADDED, Change.REPLACED}
