"""The proxy that other tests rely on does each thing wrong that it says."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from fault_proxy import FaultProxy, Faults, proxied

from tests.loopback_server import listening


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    """Return a proxy to a server that echoes."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async with listening(echo) as port, proxied(port) as made:
        yield made


async def said(proxy: FaultProxy, text: bytes = b"hello") -> bytes:
    """Return what comes back within a fifth of a second; raises TimeoutError, or what a reset raises."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(text)
        async with asyncio.timeout(0.2):
            return await reader.readexactly(len(text))
    finally:
        writer.transport.abort()


async def test_without_faults_it_passes_everything(proxy: FaultProxy) -> None:
    assert await said(proxy) == b"hello"
    assert (proxy.connections, proxy.lost) == (1, 0)


async def test_latency_delays(proxy: FaultProxy) -> None:
    proxy.faults = Faults(latency=0.1)
    began = time.monotonic()
    assert await said(proxy) == b"hello"
    assert time.monotonic() - began >= 0.1


async def test_a_black_hole_keeps_the_connection_and_says_nothing(proxy: FaultProxy) -> None:
    proxy.faults = Faults(blackhole=True)
    with pytest.raises(TimeoutError):
        await said(proxy)
    proxy.heal()
    assert await said(proxy) == b"hello"


@pytest.mark.parametrize("faults", [Faults(refuse=True), Faults(cut_after=3), Faults(lose_replies=True)])
async def test_connections_are_reset(proxy: FaultProxy, faults: Faults) -> None:
    proxy.faults = faults
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await said(proxy)
    proxy.heal()
    assert await said(proxy) == b"hello"


async def test_what_is_open_can_be_reset(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    proxy.reset_all()
    with pytest.raises(ConnectionError):
        await reader.readexactly(1)
    writer.transport.abort()


async def test_garbage_takes_a_replys_place(proxy: FaultProxy) -> None:
    proxy.faults = Faults(garble=b"\0zzzz")
    assert await said(proxy) == b"\0zzzz"


async def test_a_server_that_is_gone_is_a_reset() -> None:
    async with proxied(1) as nobody:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await said(nobody)
