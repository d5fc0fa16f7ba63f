"""The queue in front of an embedding model: what runs together, what runs first, and who hears of failures."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from held_model import Model, jobs, settle

from app.adapters.embedders.batching import Batcher, BatchLimits
from app.errors import DependencyFailed, Overloaded

LIMITS = BatchLimits(texts=4, size=4_000, longest=1_000, quick=10, bulk=20)


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def batcher(model: Model) -> AsyncIterator[Batcher]:
    batcher = Batcher(model, LIMITS)
    yield batcher
    model.open.set()
    await asyncio.to_thread(batcher.close)


async def test_an_idle_model_runs_a_text_at_once(batcher: Batcher, model: Model) -> None:
    assert (await batcher.submit(["abc"])).tolist() == [[3.0]]
    assert model.runs == [["abc"]]


async def test_what_is_waiting_runs_together(batcher: Batcher, model: Model) -> None:
    first = await model.hold(batcher)
    others = jobs(batcher, "a", "bb", "ccc", "dddd", "eeeee")
    await settle()
    model.open.set()
    assert [row.tolist() for row in await asyncio.gather(first, *others)] == [[[5.0]]] + [[[n]] for n in range(1, 6)]
    assert model.runs == [["first"], ["a", "bb", "ccc", "dddd"], ["eeeee"]]


async def test_rows_come_back_in_the_order_of_the_texts(batcher: Batcher, model: Model) -> None:
    texts = ["x" * length for length in (3, 9, 1, 7, 5, 2, 8, 4, 6)]
    rows = await batcher.submit(texts)
    assert rows[:, 0].tolist() == [3, 9, 1, 7, 5, 2, 8, 4, 6]
    # Slices of like length waste little on padding.
    assert [[len(text) for text in run] for run in model.runs] == [[9, 8, 7, 6], [5, 4, 3, 2], [1]]


async def test_a_run_is_bounded_by_its_size(batcher: Batcher, model: Model) -> None:
    first = await model.hold(batcher)
    others = jobs(batcher, "a" * 900, "b" * 2_000, "é" * 600, "d" * 900, "e")
    await settle()
    model.open.set()
    await asyncio.gather(first, *others)
    assert [len(run) for run in model.runs] == [1, 4, 1]
    small = Batcher(model, BatchLimits(texts=4, size=1_900, longest=1_000))
    model.runs.clear()
    await small.submit(["x" * 900] * 3)
    assert [len(run) for run in model.runs] == [2, 1]
    small.close()


async def test_a_question_goes_before_the_rest_of_a_long_job(batcher: Batcher, model: Model) -> None:
    first = await model.hold(batcher)
    bulk = asyncio.create_task(batcher.submit(["bulk"] * 12))
    await settle()
    question = jobs(batcher, "question")
    await settle()
    model.open.set()
    await asyncio.gather(first, bulk, *question)
    assert model.runs[1] == ["question"]
    assert [len(run) for run in model.runs[2:]] == [4, 4, 4]


async def test_a_long_job_has_its_turn_among_many_questions(model: Model) -> None:
    batcher = Batcher(model, BatchLimits(texts=1))
    first = await model.hold(batcher)
    bulk = asyncio.create_task(batcher.submit(["bulk"] * 9))
    questions = jobs(batcher, *["question"] * 30)
    await settle()
    model.open.set()
    await asyncio.gather(first, bulk, *questions)
    turns = [index for index, run in enumerate(model.runs) if run == ["bulk"]]
    assert max(later - earlier for earlier, later in zip([0, *turns], turns, strict=False)) <= 9
    batcher.close()


@pytest.mark.parametrize(("size", "room"), [(1, LIMITS.quick), (10, LIMITS.bulk)])
async def test_a_full_queue_refuses(batcher: Batcher, model: Model, size: int, room: int) -> None:
    first = await model.hold(batcher)
    waiting = [asyncio.create_task(batcher.submit(["text"] * size)) for _ in range(room // size)]
    await settle()
    with pytest.raises(Overloaded) as caught:
        await batcher.submit(["text"] * size)
    assert caught.value.retry_after > 0
    model.open.set()
    await asyncio.gather(first, *waiting)
    assert len(await batcher.submit(["text"] * size)) == size


async def test_a_queue_full_of_documents_still_takes_questions(batcher: Batcher, model: Model) -> None:
    first = await model.hold(batcher)
    bulk = asyncio.create_task(batcher.submit(["bulk"] * (LIMITS.bulk + 1)))
    await settle()
    with pytest.raises(Overloaded):
        await batcher.submit(["bulk"] * 9)
    question = jobs(batcher, "question")
    await settle()
    model.open.set()
    assert len(await bulk) == LIMITS.bulk + 1
    await asyncio.gather(first, *question)


async def test_a_failing_run_reaches_everyone_in_it_and_nobody_else(batcher: Batcher, model: Model) -> None:
    model.error = ValueError("broken")
    first = await model.hold(batcher)
    others = [*jobs(batcher, "a", "b"), asyncio.create_task(batcher.submit(["bulk"] * 9))]
    await settle()
    model.open.set()
    outcomes = await asyncio.gather(first, *others, return_exceptions=True)
    assert len(outcomes) == 4
    for outcome in outcomes:
        assert isinstance(outcome, DependencyFailed)
        assert outcome.__cause__ is model.error
        assert "broken" not in str(outcome)
    # The rest of the failed job is not run.
    assert [len(run) for run in model.runs] == [1, 2, 4]
    model.error = None
    assert (await batcher.submit(["again"])).tolist() == [[5.0]]


async def test_a_run_with_missing_rows_is_a_failure(model: Model) -> None:
    batcher = Batcher(lambda texts: model(texts)[1:])
    with pytest.raises(DependencyFailed):
        await batcher.submit(["a", "b"])
    batcher.close()


async def test_whoever_left_is_not_run(batcher: Batcher, model: Model) -> None:
    first = await model.hold(batcher)
    stays, leaves, bulk = *jobs(batcher, "stays", "leaves"), asyncio.create_task(batcher.submit(["bulk"] * 9))
    await settle()
    leaves.cancel()
    bulk.cancel()
    await settle()
    model.open.set()
    await asyncio.gather(first, stays)
    assert model.runs == [["first"], ["stays"]]


async def test_leaving_during_the_run_hurts_nobody(batcher: Batcher, model: Model) -> None:
    first = await model.hold(batcher)
    second = jobs(batcher, "second")
    first.cancel()
    await settle()
    model.open.set()
    await asyncio.gather(*second)
    model.error = ValueError("broken")
    third = await model.hold(batcher)
    third.cancel()
    await settle()
    model.open.set()
    with pytest.raises(DependencyFailed):
        await batcher.submit(["fourth"])
    assert third.cancelled()


async def test_closing_reaches_whoever_waits(batcher: Batcher, model: Model) -> None:
    first = await model.hold(batcher)
    others = [*jobs(batcher, "a"), asyncio.create_task(batcher.submit(["bulk"] * 9))]
    await settle()
    closing = asyncio.create_task(asyncio.to_thread(batcher.close))
    await asyncio.sleep(0.05)
    model.open.set()
    await closing
    assert (await first).tolist() == [[5.0]]
    for outcome in await asyncio.gather(*others, return_exceptions=True):
        assert isinstance(outcome, DependencyFailed)
    with pytest.raises(DependencyFailed, match="closed"):
        await batcher.submit(["late"])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("embedder")]


async def test_a_thread_that_is_gone_is_told_to_the_caller(batcher: Batcher) -> None:
    # What a caller meets who is let in while another thread closes the queue.
    batcher._pool.shutdown()
    with pytest.raises(DependencyFailed, match="closed"):
        await batcher.submit(["late"])
