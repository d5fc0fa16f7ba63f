"""Health: every part is asked, and none of them can hold the report up."""

import asyncio
import time

import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.domain.health import Condition, Health
from app.ports import ConversationStore, Generator
from app.services import health as module
from app.services.health import HealthService
from tests.answer_builders import TEAMS, release_of, search_of
from tests.answer_spies import SpyGenerator, SpyStore

RELEASE = release_of(TEAMS)


async def report(store: ConversationStore | None = None, generator: Generator | None = None) -> Health:
    service = HealthService(search_of(RELEASE), HashingEmbedder().spec, generator, store or SpyStore())
    return await service.report()


async def test_all_is_well() -> None:
    found = await report(generator=SpyGenerator())
    assert [check.name for check in found.checks] == ["index", "embedding", "generation", "conversations"]
    assert found.condition is Condition.OK
    assert found.checks[0].detail == f"release r1, 1 documents, {len(RELEASE.passages)} passages"
    assert found.checks[1].detail == "hashing on hashing, 256 dimensions"
    assert found.checks[2].detail == "spy on spy, cpu"


async def test_without_a_model_answers_are_extractive_and_that_is_well() -> None:
    found = await report()
    assert found.condition is Condition.OK
    assert "extractive" in found.checks[2].detail


async def test_a_model_that_is_loading_makes_the_service_unusable_for_now() -> None:
    found = await report(generator=SpyGenerator(loaded=False))
    assert found.condition is Condition.LOADING
    assert not found.usable


async def test_a_store_that_fails_degrades() -> None:
    store = SpyStore()
    store.broken = True
    found = await report(store)
    assert found.condition is Condition.DEGRADED
    assert found.usable
    assert found.checks[3].detail == "answers are not persisted"


class FrozenStore(SpyStore):
    """Never answers."""

    async def ping(self) -> None:
        await asyncio.Event().wait()


async def test_a_store_that_does_not_answer_degrades_within_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PING_SECONDS", 0.05)
    began = time.monotonic()
    found = await report(FrozenStore())
    assert found.condition is Condition.DEGRADED
    # Frozen for ever: whatever ends is bounded; a busy machine may take its time.
    assert time.monotonic() - began < 5


async def test_every_report_asks_anew() -> None:
    store = SpyStore()
    service = HealthService(search_of(RELEASE), HashingEmbedder().spec, None, store)
    assert (await service.report()).condition is Condition.OK
    store.broken = True
    assert (await service.report()).condition is Condition.DEGRADED
    store.broken = False
    assert (await service.report()).condition is Condition.OK
