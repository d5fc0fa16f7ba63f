"""The composition root closes what it opened, in reverse, however far it came."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.adapters.caches.memory_cache import MemoryCache
from app.adapters.stores.memory_store import MemoryStore
from app.config import Settings
from app.container import engines, open_parts, parts
from app.errors import (
    DependencyFailed,
    KnowledgeInvalid,
    StartRefused,
)
from app.ports import Embedder
from tests.answer_spies import SpyGenerator
from tests.knowledge_folder import Place, built, copy_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("container")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


class Recorder:
    """Notes what is opened and closed, and fails where it is told to."""

    def __init__(self, patch: pytest.MonkeyPatch, failing: str = "") -> None:
        self.events: list[str] = []
        self.embedder: Embedder | None = None
        self._failing = failing
        real = engines.open_embedder

        async def embedder(stack: AsyncExitStack, settings: Settings) -> Embedder:
            await self._open(stack, "embedder")
            self.embedder = await real(stack, settings)
            return self.embedder

        patch.setattr(parts, "open_embedder", embedder)
        patch.setattr(parts, "open_archive", self._opener("store", MemoryStore))
        patch.setattr(parts, "open_cache", self._opener("cache", lambda: (MemoryCache(1, 1), None)))
        patch.setattr(parts, "open_generator", self._opener("generator", SpyGenerator))

    def _opener(self, name: str, make: Callable[[], Any]) -> Callable[..., Any]:
        async def opened(stack: AsyncExitStack, *_rest: object) -> Any:
            await self._open(stack, name)
            return make()

        return opened

    async def _open(self, stack: AsyncExitStack, name: str) -> None:
        if name == self._failing:
            raise StartRefused(name)
        await stack.enter_async_context(self._noted(name))

    @asynccontextmanager
    async def _noted(self, name: str) -> AsyncIterator[None]:
        self.events.append(f"+{name}")
        try:
            yield
        finally:
            self.events.append(f"-{name}")


ORDER = ["store", "cache", "embedder", "generator"]


def opened_and_closed(names: list[str]) -> list[str]:
    return [*(f"+{name}" for name in names), *(f"-{name}" for name in reversed(names))]


async def test_everything_is_closed_in_reverse(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = Recorder(monkeypatch)
    async with open_parts(Settings.load()):
        assert noted.events == [f"+{name}" for name in ORDER]
    assert noted.events == opened_and_closed(ORDER)
    assert noted.embedder is not None
    with pytest.raises(DependencyFailed, match="closed"):
        await noted.embedder.embed(["x"])


@pytest.mark.parametrize("failing", ORDER)
async def test_what_was_opened_is_closed_when_the_next_part_cannot_be(
    place: Place, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    noted = Recorder(monkeypatch, failing)
    with pytest.raises(StartRefused, match=failing):
        async with open_parts(Settings.load()):
            pytest.fail("it must not open")
    assert noted.events == opened_and_closed(ORDER[: ORDER.index(failing)])


async def test_a_fault_in_the_knowledge_closes_what_is_open(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = Recorder(monkeypatch)
    place.article.write_text("broken", "utf-8")
    with pytest.raises(KnowledgeInvalid):
        async with open_parts(Settings.load()):
            pytest.fail("it must not open")
    assert noted.events == opened_and_closed(ORDER[:3])


async def test_a_fault_while_serving_closes_everything(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = Recorder(monkeypatch)
    with pytest.raises(ZeroDivisionError):
        async with open_parts(Settings.load()):
            raise ZeroDivisionError
    assert noted.events == opened_and_closed(ORDER)
