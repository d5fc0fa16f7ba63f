"""Jobs over HTTP: listed, followed, cancelled, retried."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from document_app import BASE, Serving, serving
from starlette.types import Message

from app.api import job_events
from app.domain.documents import Job, JobKind, JobState, Phase
from app.errors import IndexCorrupt, StoreFailed


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as found:
        yield found


def test_jobs_are_listed_cancelled_and_retried(at: Serving) -> None:
    at.place.indexer.error = IndexCorrupt("x")
    job = at.client.post(BASE, files={"files": ("a.md", b"one")}).json()["job"]
    failed = at.finished(job)
    assert (failed["state"], failed["errors"][0]["reason"]) == ("failed", failed["reason"])
    at.place.indexer.error = None
    assert at.client.delete(f"{BASE}/jobs/{job['id']}").status_code == 409
    assert at.client.post(f"{BASE}/jobs/{job['id']}/retry").status_code == 202
    assert at.finished(job)["state"] == "done"
    at.place.indexer.wait = 0.5
    slow = at.client.post(BASE, files={"files": ("b.md", b"two")}).json()["job"]
    assert at.client.delete(f"{BASE}/jobs/{slow['id']}").status_code == 200
    page = at.client.get(f"{BASE}/jobs", params={"limit": 1}).json()
    assert (page["total"], page["jobs"][0]["id"]) == (2, slow["id"])
    older = at.client.get(f"{BASE}/jobs/", params={"cursor": page["next_cursor"]}).json()
    assert [one["id"] for one in older["jobs"]] == [job["id"]]


def test_a_job_is_followed_as_events(at: Serving) -> None:
    at.place.indexer.wait = 0.6
    job = at.client.post(BASE, files={"files": ("a.md", b"one")}).json()["job"]
    reply = at.client.get(f"{BASE}/jobs/{job['id']}/events/")
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = [block.split("\n") for block in reply.text.strip().split("\n\n")]
    names = [lines[0].removeprefix("event: ") for lines in events]
    assert set(names[:-1]) == {"progress"}
    assert names[-1] == "finished"
    shares = [json.loads(lines[1].removeprefix("data: "))["percent"] for lines in events]
    assert shares == sorted(shares)
    missing = at.client.get(f"{BASE}/jobs/{'0' * 8}-0000-4000-8000-{'0' * 12}/events")
    assert missing.status_code == 404


def test_a_job_that_is_quiet_is_pinged_for(at: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_events, "PING_SECONDS", 0.02)
    at.place.indexer.wait = 0.4
    job = at.client.post(BASE, files={"files": ("a.md", b"one")}).json()["job"]
    text = at.client.get(f"{BASE}/jobs/{job['id']}/events").text
    assert "event: ping\ndata: {}\n\n" in text
    assert text.rstrip().rsplit("event: ", 1)[1].startswith("finished")


def test_a_catalogue_that_cannot_be_read_ends_the_events_with_a_problem(
    at: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    at.place.indexer.wait = 0.6
    job = at.client.post(BASE, files={"files": ("a.md", b"one")}).json()["job"]
    real, asked = at.place.catalogue.records.job, []

    def failing(job_id: str) -> Job:
        asked.append(job_id)
        if len(asked) > 1:
            raise StoreFailed("documents", "/secret")
        return real(job_id)

    monkeypatch.setattr(at.place.catalogue.records, "job", failing)
    text = at.client.get(f"{BASE}/jobs/{job['id']}/events").text
    last = text.rstrip().rsplit("event: ", 1)[1]
    assert last.startswith("error\n")
    assert '"status":503' in last
    assert "secret" not in text


async def test_a_reader_who_has_left_ends_the_events() -> None:
    class Gone:
        async def __call__(self, _: Message) -> None:
            raise OSError("gone")

    async def jobs() -> AsyncGenerator[Job, None]:
        yield job_made()

    async def receive() -> Message:
        await asyncio.sleep(30)
        return {"type": "http.disconnect"}

    stream = job_events.JobStream(job_made(), jobs(), "/x")
    await asyncio.wait_for(stream({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, Gone()), 5)


def job_made() -> Job:
    now = datetime.now(UTC)
    return Job("j", 1, JobKind.ADD, JobState.RUNNING, Phase.WAITING, "", 1, 0, 0, 0, 0, 0, 0, now, None, None, now)
