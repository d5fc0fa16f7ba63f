"""Documents from handed in to findable, and what happens on the way."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.documents import Change, FileFilter, FileState, JobState, Phase
from app.domain.extraction import ColumnMapping
from app.errors import Conflict, DependencyFailed, IndexCorrupt, InvalidInput, KnowledgeInvalid, NotFound
from app.services.documents import running
from tests.document_builders import Place, candidate, opened


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(tmp_path) as found:
        yield found


async def ready(place: Place, text: str, name: str = "a.md", origin: str = "api") -> str:
    submitted = await place.documents.add([candidate(text, name, origin)])
    await place.run()
    record = submitted.outcomes[0].record
    assert record is not None
    assert (await place.documents.report.file(record.id)).state is FileState.READY
    return record.id


async def test_a_document_is_ready_when_it_is_findable_and_not_before(place: Place) -> None:
    states = []
    submitted = await place.documents.add([candidate("der Text")])
    record = submitted.outcomes[0].record
    assert record is not None
    assert record.state is FileState.QUEUED
    place.indexer.before = lambda: states.append(place.catalogue.records.file(record.id)[0].state)
    await place.run()
    found = await place.documents.report.file(record.id)
    assert states == [FileState.INDEXING]
    assert (found.state, found.documents, found.titles) == (FileState.READY, 1, ("a.md 0",))
    assert place.indexer.found[record.id].language == "de"
    job = await place.job(submitted.job)
    assert (job.state, job.phase, job.done, job.progress, job.eta_seconds) == (JobState.DONE, Phase.FINISHED, 1, 1, 0)


async def test_the_documents_of_a_table_have_ids_of_their_own(place: Place) -> None:
    file_id = await ready(place, "one\ntwo", "t.csv")
    assert set(place.indexer.found) == {f"{file_id}:0", f"{file_id}:1"}
    assert (await place.documents.report.file(file_id)).metadata == {"category": "none", "platform": ("any", "windows")}


async def test_one_bad_file_does_not_hold_up_the_others(place: Place) -> None:
    submitted = await place.documents.add([candidate("BAD"), candidate("good"), candidate("x", "a.exe"), candidate("")])
    await place.run()
    job = await place.job(submitted.job)
    assert [outcome.change for outcome in submitted.outcomes] == [Change.ADDED] * 2 + [Change.REFUSED] * 2
    assert [outcome.refusal and outcome.refusal.reason for outcome in submitted.outcomes[2:]] == [
        "unknown_format",
        "empty",
    ]
    assert (job.state, job.done, job.failed) == (JobState.DONE, 1, 1)
    assert [error.reason for error in job.errors] == ["unreadable: is damaged"]
    assert place.indexer.texts() == ["good"]


async def test_a_job_of_which_nothing_could_be_read_is_failed_and_builds_nothing(place: Place) -> None:
    submitted = await place.documents.add([candidate("BAD")])
    await place.run()
    job = await place.job(submitted.job)
    assert (job.state, job.reason, place.indexer.refreshed) == (JobState.FAILED, "no file could be taken in", 0)


async def test_what_failed_may_be_sent_again_and_keeps_its_id(place: Place) -> None:
    place.extractor.error = DependencyFailed("extraction", "no memory")
    first = await place.documents.add([candidate("text")])
    await place.run()
    assert (await place.job(first.job)).errors[0].reason.startswith("it could not be read this time")
    place.extractor.error = None
    second = await place.documents.add([candidate("text")])
    await place.run()
    assert first.outcomes[0].record is not None
    assert second.outcomes[0].record is not None
    assert second.outcomes[0].record.id == first.outcomes[0].record.id
    assert place.indexer.texts() == ["text"]


async def test_content_that_is_there_is_refused_by_its_document(place: Place) -> None:
    there = await ready(place, "text")
    again = await place.documents.add([candidate("text", "other.md"), candidate("new"), candidate("new")])
    changes = [outcome.change for outcome in again.outcomes]
    assert changes == [Change.REFUSED, Change.ADDED, Change.REFUSED]
    refusal = again.outcomes[0].refusal
    assert refusal is not None
    assert (refusal.reason, refusal.existing) == ("duplicate", there)
    assert len(place.raw()) == 2


async def test_of_two_who_send_the_same_at_once_one_wins(place: Place) -> None:
    both = await asyncio.gather(*(place.documents.add([candidate("text")]) for _ in range(8)))
    assert sorted(one.outcomes[0].change for one in both) == [Change.ADDED] + [Change.REFUSED] * 7
    assert len(place.raw()) == 1


async def test_a_replacement_is_found_when_it_is_ready_and_the_old_one_until_then(place: Place) -> None:
    file_id = await ready(place, "old")
    submitted = await place.documents.replace(file_id, candidate("new"), revision=1)
    assert place.indexer.texts() == ["old"]
    assert (await place.documents.report.file(file_id)).state is FileState.QUEUED
    await place.run()
    found = await place.documents.report.file(file_id)
    assert (found.state, found.revision, place.indexer.texts()) == (FileState.READY, 2, ["new"])
    assert (await place.job(submitted.job)).done == 1
    assert len(place.raw()) == 1
    assert (await place.documents.report.content(file_id))[1] == b"new"


async def test_a_replacement_that_cannot_be_read_leaves_the_old_one_and_says_so(place: Place) -> None:
    file_id = await ready(place, "old")
    before = place.catalogue.source.fingerprint()
    submitted = await place.documents.replace(file_id, candidate("BAD"))
    await place.run()
    found = await place.documents.report.file(file_id)
    assert (found.state, found.digest) != (FileState.FAILED, "")
    assert (found.state, (await place.documents.report.content(file_id))[1]) == (FileState.READY, b"old")
    assert found.reason == "the replacement was not taken in: unreadable: is damaged; the content before it stays"
    assert (await place.job(submitted.job)).state is JobState.FAILED
    assert place.catalogue.source.fingerprint() == before
    assert len(place.raw()) == 1
    assert (await place.documents.add([candidate("old")])).outcomes[0].change is Change.REFUSED


async def test_another_mapping_is_a_replacement_and_the_same_is_nothing(place: Place) -> None:
    await ready(place, "text", origin="/a.md")
    same = await place.documents.add([candidate("text", origin="/a.md")])
    assert (same.job, same.outcomes[0].change) == (None, Change.UNCHANGED)
    other = await place.documents.add([candidate("text", origin="/a.md", mapping=ColumnMapping("Subject"))])
    assert other.outcomes[0].change is Change.REPLACED
    await place.run()
    assert [document.metadata["category"] for document in place.indexer.found.values()] == ["Subject"]


async def test_a_newer_version_overtakes_one_that_waits(place: Place) -> None:
    first = await place.documents.add([candidate("one", origin="/a.md")])
    second = await place.documents.add([candidate("two", origin="/a.md")])
    await place.run()
    assert ((await place.job(first.job)).cancelled, (await place.job(second.job)).done) == (1, 1)
    assert place.indexer.texts() == ["two"]


async def test_a_replacement_must_be_of_the_revision_expected(place: Place) -> None:
    file_id = await ready(place, "old")
    with pytest.raises(Conflict):
        await place.documents.replace(file_id, candidate("new"), revision=7)
    with pytest.raises(NotFound):
        await place.documents.replace("nobody", candidate("new"))
    assert len(place.raw()) == 1


FAULTS = {
    "source": (KnowledgeInvalid("x.md", 3, "is empty"), "another source of knowledge cannot be read: is empty"),
    "index": (IndexCorrupt("/secret/path"), "the index could not be built (index_corrupt)"),
    "bug": (RuntimeError("/secret/path"), running.INTERNAL),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_index_that_cannot_be_built_fails_the_job_and_can_be_retried(place: Place, fault: str) -> None:
    error, reason = FAULTS[fault]
    place.indexer.error = error
    submitted = await place.documents.add([candidate("text")])
    await place.run()
    job = await place.job(submitted.job)
    record = submitted.outcomes[0].record
    assert record is not None
    assert (job.state, job.reason, job.failed) == (JobState.FAILED, reason, 1)
    assert (await place.documents.report.file(record.id)).state is FileState.FAILED
    place.indexer.error = None
    await place.documents.retry(job.id)
    await place.run()
    assert (await place.job(job)).state is JobState.DONE
    assert (await place.documents.report.file(record.id)).state is FileState.READY
    assert len(place.extractor.read) == 1


async def test_the_next_release_makes_ready_what_an_earlier_one_failed_at(place: Place) -> None:
    place.indexer.error = IndexCorrupt("x")
    first = await place.documents.add([candidate("text")])
    await place.run()
    place.indexer.error = None
    await ready(place, "more")
    record = first.outcomes[0].record
    assert record is not None
    assert (await place.documents.report.file(record.id)).state is FileState.READY


async def test_a_deleted_document_is_gone_with_its_content(place: Place) -> None:
    file_id = await ready(place, "text")
    await ready(place, "stays", "b.md")
    job = await place.documents.deletion.one(file_id)
    assert (await place.documents.report.file(file_id)).state is FileState.DELETING
    await place.run()
    assert ((await place.job(job)).state, place.indexer.texts()) == (JobState.DONE, ["stays"])
    assert len(place.raw()) == 1
    for missing in (place.documents.report.file(file_id), place.documents.deletion.one(file_id)):
        with pytest.raises(NotFound):
            await missing
    assert (await place.documents.add([candidate("text")])).outcomes[0].change is Change.ADDED


async def test_a_deletion_goes_before_what_waits_and_builds_nothing_for_what_was_never_found(place: Place) -> None:
    submitted = await place.documents.add([candidate("text")])
    record = submitted.outcomes[0].record
    assert record is not None
    await place.documents.deletion.one(record.id)
    await place.run()
    assert place.indexer.refreshed == 0
    assert (await place.job(submitted.job)).cancelled == 1
    assert place.raw() == []


async def test_a_failed_deletion_can_be_retried(place: Place) -> None:
    file_id = await ready(place, "text")
    place.indexer.error = IndexCorrupt("x")
    job = await place.documents.deletion.one(file_id)
    await place.run()
    assert (await place.job(job)).state is JobState.FAILED
    place.indexer.error = None
    await place.documents.retry(job.id)
    await place.run()
    assert ((await place.job(job)).state, place.indexer.found) == (JobState.DONE, {})


async def test_a_filter_that_means_everything_is_refused(place: Place) -> None:
    with pytest.raises(InvalidInput):
        await place.documents.deletion.many(FileFilter())
    assert await place.documents.deletion.many(FileFilter(name="no*")) == (None, 0)
