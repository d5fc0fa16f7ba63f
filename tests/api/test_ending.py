"""The end of the service, as streams and load balancers hear of it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from fakes import Fakes, answer, evidence, serving
from starlette.requests import Request

from app.api.ending import Ending
from app.api.sse import open_stream
from app.domain.conversations import Question
from app.domain.events import AnswerFinished, ChatEvent, EvidenceFound

ASKED = Question("vpn error 809")


async def stream_of(ending: Ending | None, events: AsyncGenerator[ChatEvent, None]) -> str:
    """Return what a client that stays receives."""
    state = {"ending": ending} if ending else {}
    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [], "query_string": b"", "state": state}
    stays = asyncio.Event()
    told: list[bytes] = []

    async def receive() -> dict[str, object]:
        await stays.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if isinstance(body := message.get("body"), bytes):
            told.append(body)

    response = await open_stream(Request(scope, receive), events)
    await response(scope, receive, send)  # type: ignore[arg-type]
    return b"".join(told).decode()


async def endless() -> AsyncGenerator[ChatEvent, None]:
    yield EvidenceFound(evidence(ASKED))
    await asyncio.Event().wait()


async def quick() -> AsyncGenerator[ChatEvent, None]:
    yield EvidenceFound(evidence(ASKED))
    yield AnswerFinished(answer(ASKED))


async def test_a_stream_that_goes_on_for_too_long_ends_with_the_reason() -> None:
    ending = Ending(grace=0.05)
    telling = asyncio.ensure_future(stream_of(ending, endless()))
    await asyncio.sleep(0.05)
    assert not telling.done()
    ending.begin()
    async with asyncio.timeout(2):
        told = await telling
    assert told.count("event: ") == 2
    assert "event: error" in told
    assert '"code":"server_restarting"' in told


@pytest.mark.parametrize("ending", [Ending(grace=5), None])
async def test_one_that_is_done_in_time_is_left_alone(ending: Ending | None) -> None:
    if ending:
        ending.begin()
    assert (await stream_of(ending, quick())).rstrip().split("event: ")[-1].startswith("final_answer")


def test_load_balancers_are_told_at_once() -> None:
    with serving(Fakes()) as client:
        assert client.get("/readyz").status_code == 200
        ending: Ending = client.app_state["ending"]
        ending.begun = True
        assert client.get("/readyz").status_code == 503
        assert client.get("/livez").status_code == 200
