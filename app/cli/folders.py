"""From folders to documents: what changed since they were last taken in, and what became of it."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.adapters.catalogue.catalogue import Catalogue
from app.adapters.catalogue.folders import FileState as Stamp
from app.adapters.catalogue.folders import digest, opened, scan
from app.cli.console import err, out
from app.domain.documents import Change, FileFilter, FileRecord, FileState, Job, JobState
from app.domain.extraction import ColumnMapping
from app.errors import DocumentRefused
from app.services.documents.service import DocumentService
from app.services.documents.submission import Candidate

MOST_NAMED = 20
Seen = dict[str, Stamp]
"""How files looked when they were last looked into."""


@dataclass
class Changes:
    """What is to be done: paths of files that are new or changed, ids of documents whose files are gone."""

    changed: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    unchanged: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Changes") -> None:
        """Take over what was found below another path."""
        self.changed += [path for path in other.changed if path not in self.changed]
        self.gone |= other.gone
        self.unchanged += other.unchanged
        self.skipped |= other.skipped
        self.faults |= other.faults


@dataclass
class Taken:
    """What became of it; `faults` are reasons by path or name."""

    accepted: int = 0
    replaced: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    unnamed: int = 0

    @property
    def refused(self) -> int:
        """How many could not be taken in."""
        return len(self.faults) + self.unnamed

    def line(self) -> str:
        """Return it in one line."""
        named = "".join(f"; {name}: {reason}" for name, reason in list(self.faults.items())[:MOST_NAMED])
        counts = f"accepted {self.accepted}, replaced {self.replaced}, removed {self.removed}"
        return f"{counts}, refused {self.refused}{named}"

    async def remove(self, documents: DocumentService, ids: frozenset[str]) -> None:
        """Delete documents and wait until they are gone."""
        job, count = await documents.deletion.many(FileFilter(ids=ids))
        if job is None:
            return
        done = await _finished(documents, job, quiet=True)
        if done.state is JobState.DONE:
            self.removed += count
        else:
            self.faults["deletion"] = done.reason

    def settle(self, job: Job) -> None:
        """Move what a job failed at from what was taken to the faults."""
        for error in job.errors:
            self.faults[f"{error.name} ({error.document_id})"] = error.reason
        self.unnamed += job.failed - len(job.errors)
        if job.state is not JobState.DONE and not self.faults:
            self.faults["job"] = job.reason or job.state.value


def changes(
    catalogue: Catalogue, root: Path, suffixes: frozenset[str], mapping: ColumnMapping, seen: Seen | None = None
) -> Changes:
    """Compare the files below a path with the catalogue, by digest. Raises StartRefused where the path is not there.

    With `seen`, files that look as they did the last time are not looked into, nor are empty ones.
    """
    found, known = scan(root, suffixes), catalogue.origins(origin_of(root))
    result = Changes(skipped=found.skipped)
    result.gone = {known[path].id for path in known.keys() - found.files.keys()}
    for path, stamp in found.files.items():
        if seen is not None and (seen.get(path) == stamp or not stamp.size):
            continue
        if seen is not None:
            seen[path] = stamp
        try:
            same = _same(known.get(path), path, mapping)
        except DocumentRefused as error:
            result.faults[path] = error.detail
            continue
        if same:
            result.unchanged += 1
        else:
            result.changed.append(path)
    return result


def origin_of(path: Path) -> str:
    """Return the origin of a file: its absolute path, links not followed."""
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links


def _same(record: FileRecord | None, path: str, mapping: ColumnMapping) -> bool:
    if record is None or record.state is FileState.FAILED or record.mapping != mapping:
        return False
    return record.digest == digest(path)


async def take_in(
    documents: DocumentService,
    found: Changes,
    mapping: ColumnMapping,
    *,
    prune: bool,
    quiet: bool = False,
) -> Taken:
    """Hand in what changed, delete what is gone where that is wanted, and wait for both."""
    taken = Taken(unchanged=found.unchanged, skipped=found.skipped, faults=dict(found.faults))
    if prune and found.gone:
        await taken.remove(documents, frozenset(found.gone))
    if not found.changed:
        return taken
    candidates = [Candidate(path, path, partial(opened, path), mapping) for path in found.changed]
    submitted = await documents.add(candidates)
    for path, outcome in zip(found.changed, submitted.outcomes, strict=True):
        if outcome.refusal is not None:
            twin = f" ({outcome.refusal.existing})" if outcome.refusal.existing else ""
            taken.faults[path] = outcome.refusal.detail + twin
    taken.unchanged += sum(outcome.change is Change.UNCHANGED for outcome in submitted.outcomes)
    if submitted.job is not None:
        job = await _finished(documents, submitted.job, quiet=quiet)
        taken.replaced = sum(outcome.change is Change.REPLACED for outcome in submitted.outcomes)
        taken.accepted = max(0, job.done - taken.replaced)
        taken.replaced = job.done - taken.accepted
        taken.settle(job)
    return taken


async def _finished(documents: DocumentService, job: Job, *, quiet: bool) -> Job:
    """Wait for a job; run it here unless a service is there to run it."""
    running = asyncio.create_task(documents.runner.serve(announce=False))
    try:
        with _bar(job, quiet=quiet) as show:
            following = asyncio.create_task(_followed(documents, job, show))
            await asyncio.wait({following, running}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                await running  # it only ends by an error
            return await following
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _followed(documents: DocumentService, job: Job, show: "Show") -> Job:
    async for now in documents.report.follow(job.id):
        job = now
        show(now)
    return job


class Show:
    """Shows how far a job is."""

    def __init__(self, bar: Progress, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("documents", total=total, rate="")

    def __call__(self, job: Job) -> None:
        """Show it."""
        done = job.done + job.failed + job.cancelled
        text = f"{job.phase.value} {job.progress:.0%} {job.rate:.1f}/s"
        self._bar.update(self._task, completed=done, rate=text)


@contextmanager
def _bar(job: Job, *, quiet: bool) -> Iterator[Show]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=quiet) as bar:
        yield Show(bar, job.total)


def print_taken(taken: Taken) -> None:
    """Print what became of everything, the first twenty faults by name."""
    table = Table("accepted", "unchanged", "replaced", "removed", "skipped", "refused")
    counts = (taken.accepted, taken.unchanged, taken.replaced, taken.removed, len(taken.skipped), taken.refused)
    table.add_row(*map(str, counts))
    out.print(table)
    for title, named, count in (
        ("skipped", taken.skipped, len(taken.skipped)),
        ("refused", taken.faults, taken.refused),
    ):
        for name, reason in list(named.items())[:MOST_NAMED]:
            out.print(f"{title}: {name}: {reason}")
        if count > MOST_NAMED:
            out.print(f"{title}: {count - MOST_NAMED} more")
