"""The runner: slices, stopping, several runners, and going on after a fault of the catalogue."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.documents import FileFilter, FileState, Job, JobState, Phase
from app.errors import Conflict, NotFound, StoreFailed
from app.ports.documents import DiskFull
from app.services.documents import metering, running
from tests.document_builders import Place, candidate, opened


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(tmp_path) as found:
        yield found


async def added(place: Place, count: int) -> Job:
    submitted = await place.documents.add([candidate(f"text {at}", f"{at}.md") for at in range(count)])
    return await place.job(submitted.job)


async def states(place: Place) -> dict[str, int]:
    return {state: (await place.documents.report.files(FileFilter(state=state)))[1] for state in FileState}


async def test_many_documents_become_ready_slice_by_slice(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SLICE_FILES", 4)
    job = await added(place, 10)
    seen = []
    place.indexer.before = lambda: seen.append(len(place.indexer.found))
    await place.run()
    assert seen == [0, 4, 8]
    assert (await place.job(job)).done == 10


async def test_a_slice_ends_after_some_seconds(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SLICE_SECONDS", 0.0)
    await added(place, 7)
    await place.run()
    assert (place.indexer.refreshed, len(place.indexer.found)) == (3, 7)


async def test_a_running_job_stops_after_the_slice_at_hand(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SLICE_FILES", 4)
    job = await added(place, 10)

    def stop() -> None:
        if place.indexer.refreshed == 1:
            assert place.catalogue.submissions.cancel(job.id).state is JobState.RUNNING

    place.indexer.before = stop
    await place.run()
    done = await place.job(job)
    assert (done.state, done.reason, done.done, done.cancelled) == (JobState.CANCELLED, "cancelled", 4, 6)
    found = await states(place)
    assert (found[FileState.READY], found[FileState.FAILED]) == (4, 6)
    await place.documents.retry(job.id)
    await place.run()
    assert ((await place.job(job)).state, len(place.indexer.found)) == (JobState.DONE, 10)


async def test_a_job_that_waits_is_cancelled_at_once(place: Place) -> None:
    job = await place.documents.cancel((await added(place, 2)).id)
    assert (job.state, job.cancelled) == (JobState.CANCELLED, 2)
    for refused in (place.documents.cancel(job.id), place.documents.cancel((await deletion(place)).id)):
        with pytest.raises(Conflict):
            await refused
    for missing in (place.documents.cancel("x"), place.documents.retry("x"), place.documents.report.job("x")):
        with pytest.raises(NotFound):
            await missing


async def deletion(place: Place) -> Job:
    records, _ = await place.documents.report.files(FileFilter())
    return await place.documents.deletion.one(records[0].id)


async def test_a_cancelled_replacement_leaves_what_was_there(place: Place) -> None:
    submitted = await place.documents.add([candidate("old")])
    await place.run()
    record = submitted.outcomes[0].record
    assert record is not None
    again = await place.documents.replace(record.id, candidate("new"))
    assert again.job is not None
    await place.documents.cancel(again.job.id)
    found = await place.documents.report.file(record.id)
    assert (found.state, found.reason.split(":")[0]) == (FileState.READY, "the replacement was not taken in")
    with pytest.raises(Conflict):
        await place.documents.retry(again.job.id)


async def test_a_job_that_runs_cannot_be_retried(place: Place) -> None:
    job = await added(place, 1)
    with pytest.raises(Conflict):
        await place.documents.retry(job.id)


async def test_jobs_run_in_the_background_and_are_told_of(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering, "TELL_SECONDS", 0.01)
    place.indexer.wait = 0.3
    async with place.documents.running():
        job = await added(place, 3)
        seen = [now async for now in place.documents.report.follow(job.id)]
    assert seen[-1].state is JobState.DONE
    assert [now.progress for now in seen] == sorted(now.progress for now in seen)
    phases = {now.phase for now in seen}
    assert {Phase.EMBEDDING, Phase.FINISHED} <= phases
    assert any(now.passages_total == 3 for now in seen)
    assert seen[-1].rate > 0


async def test_waiting_has_an_end(place: Place) -> None:
    job = await added(place, 1)
    began = time.monotonic()
    assert (await place.documents.report.wait(job.id, 0.1)).state is JobState.QUEUED
    assert time.monotonic() - began < 2


async def test_another_process_s_job_is_taken_up(place: Place) -> None:
    with opened(place.root) as other:
        async with place.documents.running():
            await asyncio.sleep(0.1)
            assert other.catalogue.locks.served()
            job = await added(other, 1)
            assert (await other.documents.report.wait(job.id, 5)).state is JobState.DONE
    assert (len(place.indexer.found), other.indexer.refreshed) == (1, 0)


async def test_a_command_leaves_the_work_to_a_service(place: Place) -> None:
    with opened(place.root) as service:
        service.catalogue.locks.serve()
        job = await added(place, 1)
        command = asyncio.create_task(place.documents.runner.serve(announce=False))
        assert (await place.documents.report.wait(job.id, 0.5)).state is JobState.QUEUED
        service.catalogue.locks.close()
        assert (await place.documents.report.wait(job.id, 5)).state is JobState.DONE
        command.cancel()
        await asyncio.gather(command, return_exceptions=True)


async def test_only_one_runs(place: Place) -> None:
    with opened(place.root) as other:
        assert other.catalogue.locks.acquire()
        await added(place, 1)
        assert not await place.documents.runner.run_pending()
        other.catalogue.locks.release()
        assert await place.documents.runner.run_pending()


async def test_a_catalogue_that_cannot_be_written_for_a_while_loses_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "PAUSE_SECONDS", 0.01)
    job = await added(place, 2)
    real, calls = place.catalogue.work.take, []

    def full(most: int) -> object:
        calls.append(most)
        if len(calls) < 3:
            raise DiskFull("documents")
        return real(most)

    monkeypatch.setattr(place.catalogue.work, "take", full)
    async with place.documents.running():
        assert (await place.documents.report.wait(job.id, 5)).state is JobState.DONE
    assert len(calls) > 3


async def test_a_disk_that_is_full_while_reading_fails_the_job_by_name(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await added(place, 2)

    def full(*_: object) -> None:
        raise DiskFull("documents")

    monkeypatch.setattr(place.catalogue.work, "extracted", full)
    with pytest.raises(StoreFailed):
        await place.run()
    found = await place.job(job)
    assert (found.state, found.reason) == (JobState.FAILED, "the catalogue could not be written")
    monkeypatch.undo()
    await place.documents.retry(job.id)
    await place.run()
    assert (await place.job(job)).done == 2


async def test_a_reader_with_a_fault_of_its_own_fails_its_file_alone(place: Place) -> None:
    job = await added(place, 1)
    place.extractor.error = ZeroDivisionError("bug")
    await place.run()
    assert [error.reason for error in (await place.job(job)).errors] == [running.INTERNAL]


async def test_content_that_was_lost_is_said(place: Place) -> None:
    job = await added(place, 1)
    for name in place.raw():
        (place.root / "documents" / name).unlink()
    await place.run()
    assert "store_failed" in (await place.job(job)).errors[0].reason


async def test_progress_that_cannot_be_told_fails_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise DiskFull("documents")

    monkeypatch.setattr(place.catalogue.progress, "report", full)
    place.indexer.wait = 0.05
    job = await added(place, 1)
    await place.run()
    assert (await place.job(job)).state is JobState.DONE
