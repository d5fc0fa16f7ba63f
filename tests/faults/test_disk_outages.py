"""A disk that is full, or refuses to be written to: answers go on, and what was acknowledged is still there."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.fault_callers import (
    CONVERSATIONS,
    FILES,
    ask,
    begin_session,
    caller,
    comes_true,
    is_unavailable,
    new_question,
)
from tests.fault_processes import Service, service_in

pytest_plugins = ["tests.fault_installation"]
pytestmark = pytest.mark.models

DOCUMENTS = "/api/v1/documents"
BACK_SECONDS = 5.0
MOUNTED = 'mount -t tmpfs -o size=4m none "$0" && exec "$@"'
"""Gives a command a small disk that it alone sees, at the place named first."""
NOTE = ("notes.md", b"# Badge printer\n\nThe badge printer is beside the reception.\n")


@dataclass
class Small:
    """A service whose state is on a disk of its own; `state` is how others see that disk, None where it has none."""

    service: Service
    state: Path | None

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no room on its disk for the length of the block."""
        assert self.state is not None
        filler = self.state / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
        try:
            yield
        finally:
            filler.unlink()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Let every write to a file fail for the length of the block."""
        pid = self.service.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def small(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    state = tmp_path_factory.mktemp("state")
    mounted = ["unshare", "-rm", "sh", "-c", MOUNTED, str(state)]
    possible = subprocess.run([*mounted, "true"], check=False, capture_output=True).returncode == 0
    with service_in(installation, {"STATE_DIR": state}, through=mounted if possible else ()) as service:
        service.wait_ready()
        seen = Path(f"/proc/{service.process.pid}/root{state}")
        yield Small(service, seen if possible else None)


async def not_kept(client: httpx.AsyncClient, conversation: str) -> bool:
    """Ask a question, and tell whether it was not kept; it is answered in any case."""
    reply = await ask(client, new_question(), conversation_id=conversation)
    assert reply.status_code == 200
    persisted = reply.json()["persisted"]
    assert ("warning" in reply.headers) is not persisted
    return not persisted


async def kept(client: httpx.AsyncClient, conversation: str) -> bool:
    return not await not_kept(client, conversation)


async def test_a_full_disk(small: Small) -> None:
    if small.state is None:
        pytest.skip("this machine lets nobody mount a disk of its own")
    async with caller(small.service.base) as client:
        conversation, before = await begun(client)
        with small.full():
            await comes_true(lambda: not_kept(client, conversation), BACK_SECONDS)
            await goes_on(client, conversation, before, document=507)
        await comes_true(lambda: kept(client, conversation), BACK_SECONDS)
        assert (await client.post(DOCUMENTS, files={"files": NOTE})).status_code in {200, 202}


async def test_a_disk_that_refuses_to_be_written_to(small: Small) -> None:
    async with caller(small.service.base) as client:
        conversation, before = await begun(client)
        with small.refusing():
            assert await not_kept(client, conversation)
            await goes_on(client, conversation, before, document=503)
        await comes_true(lambda: kept(client, conversation), BACK_SECONDS)


async def begun(client: httpx.AsyncClient) -> tuple[str, list[str]]:
    """Begin a conversation as a visitor with a session; return its id and the ids of its messages."""
    await begin_session(client)
    first = (await ask(client, new_question())).json()
    assert first["persisted"]
    return first["conversation_id"], await messages(client, first["conversation_id"])


async def messages(client: httpx.AsyncClient, conversation: str) -> list[str]:
    found = await client.get(f"{CONVERSATIONS}/{conversation}")
    assert found.status_code == 200
    return [one["id"] for one in found.json()["messages"]]


async def goes_on(client: httpx.AsyncClient, conversation: str, before: list[str], *, document: int) -> None:
    """See that everybody is answered, that what was kept can be read, and that nothing is claimed to be kept."""
    assert (await messages(client, conversation))[: len(before)] == before
    assert is_unavailable(await client.post(CONVERSATIONS, json={"title": "a new one"}))
    assert is_unavailable(await client.patch(f"{CONVERSATIONS}/{conversation}", json={"title": "another"}))
    analysed = await client.post(FILES, files={"file": NOTE}, data={"conversation_id": conversation})
    assert analysed.status_code == 200, analysed.text
    assert analysed.json()["persisted"] is False
    refused = await client.post(DOCUMENTS, files={"files": NOTE})
    assert refused.status_code == document, refused.text
    assert refused.headers["content-type"].startswith("application/problem+json")
    async with caller(str(client.base_url)) as visitor:
        assert (await visitor.post("/api/v1/sessions")).status_code == 201
        assert (await ask(visitor, new_question())).status_code == 200
        assert (await visitor.get("/readyz")).status_code == 200
