"""Large logs through a real server: memory and loop stay free, and whoever leaves ends the work."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import httpx
import psutil
import pytest
from fakes import until
from file_app import BASE, Server, listening

from app.adapters.tokens import open_counter
from tests.file_builders import MEGA, log_text

_MORE = 150 * 1024 * 1024
_LAG_SECONDS = 0.05


class Watch:
    """The most memory this process had while it was looked at."""

    def __init__(self) -> None:
        self.before = self.peak = psutil.Process().memory_info().rss
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look)

    def _look(self) -> None:
        process = psutil.Process()
        while not self._over.wait(0.02):
            self.peak = max(self.peak, process.memory_info().rss)

    def __enter__(self) -> Self:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._looking.join()


async def _sent(path: Path) -> AsyncIterator[bytes]:
    """Yield a form with a file, read as it is sent: the client holds none of it."""
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="mail.log"\r\n\r\n'
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, 64 * 1024):
            yield piece
    yield b"\r\n--b--\r\n"


_FORM = {"Content-Type": "multipart/form-data; boundary=b"}


async def _measured(size: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mail.log"
    text = log_text(size)
    path.write_text(text, encoding="utf-8")
    lines = text.count("\n")
    del text
    open_counter()("loaded")
    with listening() as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:
            assert (await client.post(BASE, files={"file": ("a.log", b"INFO x\n")})).status_code == 200
            server.lags.clear()
            began = time.monotonic()
            with Watch() as watch:
                reply = await client.post(BASE, content=_sent(path), headers=_FORM)
            took = time.monotonic() - began
        assert reply.status_code == 200, reply.text
        body = reply.json()
        lags = sorted(server.lags)
    p99 = lags[int(len(lags) * 0.99)]
    with capsys.disabled():
        more = (watch.peak - watch.before) / 2**20
        print(f"\n{size / MEGA:g} MB log: +{more:.0f} MiB, {took:.1f} s, loop lag p99 {p99 * 1000:.1f} ms, "  # noqa: T201
              f"largest {lags[-1] * 1000:.0f} ms, answer {len(reply.content) / 1000:.0f} kB")  # fmt: skip
    assert (body["lines"], body["outcome"], body["passages"] <= 64) == (lines, "answered", True)
    assert watch.peak - watch.before <= _MORE
    assert p99 <= _LAG_SECONDS


async def test_two_megabytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await _measured(2 * MEGA, tmp_path, capsys)


@pytest.mark.slow
async def test_ten_megabytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await _measured(10 * 1024 * 1024, tmp_path, capsys)


@pytest.mark.slow
async def test_one_line_of_megabytes_and_millions_of_short_ones(tmp_path: Path) -> None:
    open_counter()("loaded")
    with listening() as server:
        for content in (b"error 0x80070005 " * 300_000, b"ERROR\n" * 300_000, b"\n" * 10 * MEGA + b"x"):
            path = tmp_path / "mail.log"
            path.write_bytes(content)
            async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:
                with Watch() as watch:
                    reply = await client.post(BASE, content=_sent(path), headers=_FORM)
            assert reply.status_code == 200, reply.text
            assert watch.peak - watch.before <= _MORE
            assert sorted(server.lags)[int(len(server.lags) * 0.99)] <= _LAG_SECONDS


def _idle(server: Server) -> bool:
    assert server.place is not None
    return server.place.files.places._free == server.place.files.rules.at_once


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_whoever_leaves_ends_the_work(accept: str, tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_text(log_text(6 * MEGA), encoding="utf-8")
    with listening() as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            sending = asyncio.create_task(client.post(BASE, content=_sent(path), headers=_FORM | {"Accept": accept}))
            await asyncio.to_thread(until, lambda: server.place is not None and not _idle(server))
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        assert await asyncio.to_thread(until, lambda: _idle(server), 1.0) < 1.0
        assert server.place is not None
        assert server.place.store._kept == {}
