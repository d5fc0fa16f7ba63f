"""The parts of the overload benchmark that need no server of ours."""

import asyncio
import itertools

import pytest

from benchmarks.overload import open_loop, slope
from tests.loopback_server import listening

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno"


@pytest.mark.parametrize(
    ("values", "expected"), [([], 0.0), ([7.0], 0.0), ([5.0, 5.0, 5.0], 0.0), ([1.0, 3.0, 5.0], 2.0)]
)
def test_slope_is_the_growth_from_value_to_value(values: list[float], expected: float) -> None:
    assert slope(values) == pytest.approx(expected)


async def test_the_open_loop_sends_at_its_rate_whoever_answers() -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while await reader.read(1024):
            asked += 1
            # One that is never answered must not keep the others waiting.
            if asked != 3:
                writer.write(REFUSAL)
        writer.close()

    async with listening(serve) as port:
        sending = asyncio.create_task(open_loop(port, itertools.repeat(b"x"), rate=100, seconds=0.3, patience=0.2))
        tally = await sending
    assert asked == 30
    assert len(tally.took[503]) == 29
    assert len(tally.late) == 30
    assert tally.unsent == 0
