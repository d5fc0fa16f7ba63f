"""Which questions run together, and in which order."""

import asyncio

import pytest
from held_model import Model, jobs, settle

from app.adapters.embedders.batching import Batcher, BatchLimits
from app.domain.models import Vectors


@pytest.fixture
def model() -> Model:
    return Model()


async def test_questions_of_like_length_run_together_and_none_is_overtaken(model: Model) -> None:
    batcher = Batcher(model, BatchLimits(texts=6, quick_texts=2))
    first = await model.hold(batcher)
    lengths = (30, 5, 40, 6, 31, 41, 7, 8)
    others = jobs(batcher, *("x" * length for length in lengths))
    await settle()
    model.open.set()
    rows = await asyncio.gather(*others)
    assert [row[0][0] for row in rows] == list(lengths)
    # The six oldest go before the two that came last, however well those would fit.
    assert [[len(text) for text in run] for run in model.runs[1:]] == [[5, 6], [30, 31], [40, 41], [7, 8]]
    await first
    batcher.close()


async def test_whoever_leaves_a_planned_run_is_not_run(model: Model) -> None:
    loop = asyncio.get_running_loop()

    async def leave() -> None:
        others[1].cancel()
        await settle()

    def run(texts: list[str]) -> Vectors:
        if texts == ["a"]:
            # All three are planned by now.
            asyncio.run_coroutine_threadsafe(leave(), loop).result(10)
        return model(texts)

    batcher = Batcher(run, BatchLimits(quick_texts=1))
    first = await model.hold(batcher)
    others = jobs(batcher, "a", "bb", "ccc")
    await settle()
    model.open.set()
    await asyncio.gather(first, others[0], others[2])
    assert model.runs == [["first"], ["a"], ["ccc"]]
    batcher.close()
