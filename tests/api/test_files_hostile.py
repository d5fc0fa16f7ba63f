"""Uploads made to hurt: each is refused in seconds, nothing is left, and others are answered meanwhile."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from file_app import BASE, listening
from hostile_uploads import GOOD, Hostile, hostile_uploads

from app.adapters.tokens import open_counter

_SECONDS = 5.0
_MORE = 150 * 1024 * 1024


@pytest.fixture
def aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give uploads a folder for what is written aside, where nothing may lie afterwards."""
    # Its encoding is kept in the same folder, once for a process.
    open_counter()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.rglob("*")) == []


def _form(name: str, content: bytes) -> tuple[bytes, dict[str, str]]:
    """Return a form as no well-behaved client would write it: the name as it is."""
    plain = name.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8", "surrogatepass")
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n' % plain
    return head + content + b"\r\n--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}


async def _refused(client: httpx.AsyncClient, hostile: Hostile) -> str:
    body, headers = _form(hostile.name, await asyncio.to_thread(hostile.make))
    began = time.monotonic()
    reply = await client.post(BASE, content=body, headers=headers)
    took = time.monotonic() - began
    told = reply.json()
    problem = 400 <= reply.status_code < 500 and took < _SECONDS and {"code", "request_id"} <= told.keys()
    if reply.status_code == 413 or (problem and told["errors"]):
        return ""
    return f"{hostile.name[:40]!a}: {reply.status_code} in {took:.1f} s, {reply.text[:200]}"


async def _chat(client: httpx.AsyncClient, slow: list[float]) -> None:
    while True:
        began = time.monotonic()
        reply = await client.post("/api/v1/chat/", json={"query": "VPN error 809"})
        assert reply.status_code == 200, reply.text
        slow.append(time.monotonic() - began)
        await asyncio.sleep(0.05)


async def _survive(files: list[Hostile], capsys: pytest.CaptureFixture[str]) -> None:
    others = set(psutil.Process().children())
    with listening() as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            assert (await client.post(BASE, files={"file": ("a.log", GOOD)})).status_code == 200
            before, slow = psutil.Process().memory_info().rss, list[float]()
            chatting = asyncio.create_task(_chat(client, slow))
            peak, wrong = 0, []
            for hostile in files:
                wrong.append(await _refused(client, hostile))
                peak = max(peak, psutil.Process().memory_info().rss)
            assert not chatting.done()
            chatting.cancel()
            assert (await client.post(BASE, files={"file": ("a.log", GOOD)})).status_code == 200
    slow.sort()
    at = int(len(slow) * 0.95)
    with capsys.disabled():
        print(f"\n{len(files)} hostile uploads: peak +{(peak - before) >> 20} MiB, chat p95 {slow[at] * 1000:.0f} ms")  # noqa: T201
    assert [one for one in wrong if one] == []
    assert server.place is not None
    assert len(server.place.store._kept) == 2
    assert peak - before <= _MORE
    assert slow[at] < 0.5
    assert set(psutil.Process().children()) <= others


async def test_thirty_of_them(aside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = hostile_uploads(7)
    assert len(files) == 300
    await _survive(files[::10], capsys)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 8])
async def test_all_of_them(seed: int, aside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await _survive(hostile_uploads(seed), capsys)
