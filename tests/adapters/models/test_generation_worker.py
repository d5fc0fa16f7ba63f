"""The model's process seen from outside: requests, departures, crashes, silence and the end."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.adapters.generators.worker import Worker, _send
from app.domain.models import Delta, Generation, Prompt
from app.errors import GenerationFailed, NotReady, Overloaded

SCRIPT = Path(__file__).with_name("scripted_engine.py")


def command(start: str = "ready") -> list[str]:
    return [sys.executable, str(SCRIPT), start]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing here could set an event
            await asyncio.sleep(0.01)


@asynccontextmanager
async def opened(
    prepare: Callable[[], Sequence[str]] = command, limit: int = 4, silence: float = 30
) -> AsyncIterator[Worker]:
    worker = Worker(prepare, limit, silence)
    try:
        yield worker
    finally:
        await asyncio.to_thread(worker.close)


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    async with opened() as worker:
        await until(worker.ready)
        yield worker


def ask(worker: Worker, text: str) -> "asyncio.Task[Generation]":
    return asyncio.create_task(worker.submit(Prompt("", text), 5))


async def test_requests_are_answered(worker: Worker) -> None:
    answers = await asyncio.gather(*(ask(worker, f"text {number}") for number in range(4)))
    assert [answer.text for answer in answers] == [f"text {number}" for number in range(4)]
    assert answers[0].finish_reason == "stop"


async def test_a_stream_has_the_pieces_and_then_the_whole(worker: Worker) -> None:
    *pieces, whole = [piece async for piece in worker.stream(Prompt("", "text"), 5)]
    assert pieces == [Delta(letter) for letter in "text"]
    assert isinstance(whole, Generation)
    assert whole == await ask(worker, "text")


async def test_who_closes_a_stream_is_not_written_for_any_longer(worker: Worker) -> None:
    stream = worker.stream(Prompt("", "for ever"), 5)
    assert await anext(stream) == Delta("one ")
    await stream.aclose()
    assert (await ask(worker, "cancelled?")).text == "[1]"
    assert worker._jobs == {}


async def test_a_crash_reaches_a_stream_after_its_pieces(worker: Worker) -> None:
    stream = worker.stream(Prompt("", "half and crash"), 5)
    assert await anext(stream) == Delta("half")
    with pytest.raises(GenerationFailed, match="process ended"):
        await anext(stream)


async def test_a_stream_that_is_not_taken_says_so_at_once(worker: Worker) -> None:
    inside = [ask(worker, "hang") for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await anext(worker.stream(Prompt("", "one more"), 5))
    for task in inside:
        task.cancel()


async def test_a_model_that_loads_is_not_ready() -> None:
    gate = threading.Event()

    def prepare() -> list[str]:
        gate.wait(10)
        return command()

    async with opened(prepare) as worker:
        assert not worker.ready()
        with pytest.raises(NotReady) as caught:
            await ask(worker, "early")
        assert caught.value.retry_after > 0
        gate.set()
        await until(worker.ready)
        assert (await ask(worker, "now")).text == "now"


async def test_a_full_house_refuses(worker: Worker) -> None:
    inside = [ask(worker, "hang") for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await ask(worker, "one more")
    inside[0].cancel()
    await asyncio.wait(inside[:1])
    assert (await ask(worker, "room again")).text == "room again"
    for task in inside:
        task.cancel()


async def test_who_leaves_is_not_written_for_any_longer(worker: Worker) -> None:
    leaver = ask(worker, "hang")
    await asyncio.sleep(0.02)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    assert (await ask(worker, "cancelled?")).text == "[1]"


async def test_a_request_that_cannot_be_taken_is_the_callers_alone(worker: Worker) -> None:
    with pytest.raises(GenerationFailed, match="language model: too long"):
        await ask(worker, "refuse")
    assert (await ask(worker, "next")).text == "next"


async def test_a_crash_reaches_everyone_and_the_model_comes_back(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    before = (await ask(worker, "which")).prompt_tokens
    outcomes = await asyncio.gather(ask(worker, "hang"), ask(worker, "crash"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [GenerationFailed, GenerationFailed]
    await until(worker.ready)
    assert (await ask(worker, "which")).prompt_tokens != before
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (record.__dict__["during"], record.__dict__["detail"]) == ("work", "ended with status 3")


@pytest.mark.parametrize(("start", "detail"), [("fails", "no such model"), ("dies", "status 9")])
async def test_a_model_that_cannot_be_loaded_is_not_tried_again(
    start: str, detail: str, caplog: pytest.LogCaptureFixture
) -> None:
    starts: list[str] = []

    def prepare() -> list[str]:
        starts.append(start)
        return command(start)

    async with opened(prepare) as worker:
        await until(lambda: "language model failed" in caplog.messages)
        with pytest.raises(GenerationFailed, match="not loaded"):
            await ask(worker, "anything")
        assert not worker.ready()
    assert starts == [start]
    assert detail in caplog.records[-1].__dict__["detail"]


async def test_a_preparation_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def prepare() -> list[str]:
        raise OSError("the disk is full")

    async with opened(prepare) as worker:
        await until(lambda: bool(caplog.records))
        with pytest.raises(GenerationFailed, match="OSError"):
            await ask(worker, "anything")
    assert caplog.records[0].__dict__["during"] == "preparation"


async def test_a_process_that_fell_silent_is_replaced() -> None:
    async with opened(silence=0.3) as worker:
        await until(worker.ready)
        stuck = ask(worker, "freeze")
        await asyncio.sleep(0.5)
        last = ask(worker, "last")
        for task in (stuck, last):
            with pytest.raises(GenerationFailed):
                await task
        await until(worker.ready)
        assert (await ask(worker, "next")).text == "next"


async def test_closing_ends_the_process_and_everyones_waiting(worker: Worker) -> None:
    waiting = ask(worker, "hang")
    await asyncio.sleep(0.02)
    process = worker._process
    assert process is not None
    await asyncio.to_thread(worker.close)
    assert process.poll() is not None
    with pytest.raises(GenerationFailed, match="closed"):
        await waiting
    with pytest.raises(GenerationFailed, match="closed"):
        await ask(worker, "late")
    assert not worker.ready()


async def test_closing_does_not_wait_for_a_process_that_will_not_end() -> None:
    stubborn = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('{\"ready\": true}', flush=True); time.sleep(60)"
    )
    async with opened(lambda: [sys.executable, "-c", stubborn]) as worker:
        await until(worker.ready)
        process = worker._process
        assert process is not None
        real = process.wait
        process.wait = lambda timeout=None: real(timeout and 0.1)  # type: ignore[method-assign]
        await asyncio.to_thread(worker.close)
        assert process.returncode == -9


async def test_closing_while_preparing_starts_nothing() -> None:
    gate, left = threading.Event(), threading.Event()

    def prepare() -> list[str]:
        gate.wait(10)
        left.set()
        return command()

    async with opened(prepare) as worker:
        pass
    gate.set()
    await asyncio.to_thread(left.wait, 10)
    await asyncio.to_thread(worker._pool.shutdown)
    assert worker._process is None


async def test_a_pool_that_is_gone_is_told_to_the_caller(worker: Worker) -> None:
    # What happens while the interpreter goes down.
    worker._pool.shutdown()
    with pytest.raises(GenerationFailed, match="closed"):
        await ask(worker, "late")


def test_writing_to_a_process_that_ended_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        process.wait()
        _send(process, b"{}\n" * 100_000)
        assert process.returncode == 0
    _send(None, b"{}\n")
