"""The composition root: what is opened for which settings, and that all of it is closed again."""

import runpy
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import server_processes
from fastapi import FastAPI

from app import logs
from app.adapters.caches.memory_cache import MemoryCache
from app.adapters.calibration_file import Measured
from app.adapters.stores.memory_store import MemoryStore
from app.adapters.stores.sqlite_store import SqliteStore
from app.config import Settings
from app.container import open_keeper, open_parts, open_search_over, open_services, parts
from app.container.knowledge import calibration_for
from app.domain.answers import AnswerMode, Outcome
from app.domain.conversations import Question
from app.domain.health import Condition
from app.errors import (
    DependencyUnreachable,
    ModelMissing,
    SettingsInvalid,
    StoreFailed,
)
from app.services.retrieval.calibration import UNCALIBRATED
from tests.answer_builders import page
from tests.knowledge_folder import Place, built, copy_of

REPOSITORY = Path(__file__).parents[2]
ASKED = Question("my vpn reports error 809")
REFUSAL_SECONDS = 6.0


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("container")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


def files(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


async def test_nothing_named_means_embedded(place: Place) -> None:
    async with open_parts(Settings.load()) as opened:
        assert isinstance(opened.store, SqliteStore)
        assert isinstance(opened.chat._answers._cache, MemoryCache)
        first, second = await opened.chat.ask(ASKED), await opened.chat.ask(ASKED)
    assert first.persisted
    assert second.cached
    assert (place.root / "state" / "conversations.sqlite3").is_file()
    with pytest.raises(StoreFailed):
        await opened.store.ping()


async def test_the_services_are_healthy_and_answer(place: Place) -> None:
    async with open_services(Settings.load()) as services:
        assert (await services.health.report()).condition is Condition.OK
        assert (await services.search.search(ASKED)).hits[0].document.id == "vpn-error-809"
        assert (await services.chat.ask(ASKED)).draft.outcome is Outcome.ANSWERED


async def test_ephemeral_parts_keep_nothing_on_disk(place: Place) -> None:
    before = files(place.root)
    async with open_parts(Settings.load(), ephemeral=True) as opened:
        assert isinstance(opened.store, MemoryStore)
        first, second = await opened.chat.ask(ASKED), await opened.chat.ask(ASKED)
    assert first.persisted
    assert not second.cached
    assert files(place.root) == before


async def test_servers_that_are_named_are_used(place: Place, tmp_path: Path) -> None:
    redis, mongo = server_processes.redis, server_processes.mongo
    with (
        server_processes.running(redis, "redis", tmp_path) as cache,
        server_processes.running(mongo, "mongodb", tmp_path) as store,
    ):
        place.set(REDIS_URL=cache.address, MONGODB_URI=store.address)
        async with open_parts(Settings.load()) as opened:
            first = await opened.chat.ask(ASKED)
            assert first.persisted
        async with open_parts(Settings.load()) as opened:
            second = await opened.chat.ask(Question(ASKED.text))
            turns = await opened.store.history(ASKED.owner, first.conversation_id, 9)
    assert second.cached
    assert second.draft == first.draft
    assert [turn.content for turn in turns] == [ASKED.text, first.draft.text]
    assert not (place.root / "state").exists()


@pytest.mark.parametrize(
    ("variable", "address"), [("MONGODB_URI", "mongodb://127.0.0.1:1"), ("REDIS_URL", "redis://127.0.0.1:1")]
)
async def test_a_server_that_is_named_but_not_there_is_a_refusal_before_anything_is_built(
    place: Place, variable: str, address: str
) -> None:
    place.set(**{variable: address}, INDEX_DIR=place.root / "none")
    began = time.monotonic()
    with pytest.raises(DependencyUnreachable) as refused:
        async with open_parts(Settings.load()):
            pytest.fail("it must not open")
    assert refused.value.variable == variable
    assert f"remove {variable}" in refused.value.remedy
    assert time.monotonic() - began < REFUSAL_SECONDS
    assert not (place.root / "none").exists()


@pytest.mark.parametrize("variable", ["MONGODB_URI", "REDIS_URL"])
async def test_an_address_that_is_none_is_named(place: Place, variable: str) -> None:
    place.set(**{variable: "ftp://somewhere"})
    with pytest.raises(SettingsInvalid) as refused:
        async with open_parts(Settings.load()):
            pytest.fail("it must not open")
    assert refused.value.variable == variable
    assert "somewhere" not in str(refused.value)


async def test_an_unknown_embedding_model_is_named(place: Place) -> None:
    place.set(EMBEDDING_MODEL="no-such/model")
    with pytest.raises(ModelMissing, match="no-such/model"):
        async with open_parts(Settings.load()):
            pytest.fail("it must not open")


async def test_an_unknown_language_model_is_named_where_it_is_used(place: Place) -> None:
    place.set(LLM_MODEL_ID="no-such/model")
    async with open_parts(Settings.load(), ephemeral=True) as opened:
        assert (await opened.chat.ask(ASKED)).draft.outcome is Outcome.ANSWERED
    with pytest.raises(ModelMissing, match="no-such/model"):
        async with open_parts(Settings.load(), ephemeral=True, mode=AnswerMode.GENERATE):
            pytest.fail("it must not open")


async def test_the_mode_of_a_command_comes_before_the_settings(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[AnswerMode] = []

    async def opened(_stack: AsyncExitStack, _settings: Settings, mode: AnswerMode, *_rest: object) -> None:
        asked.append(mode)

    monkeypatch.setattr(parts, "open_generator", opened)
    place.set(ANSWER_MODE="extract")
    for mode in (None, AnswerMode.AUTO):
        async with open_parts(Settings.load(), ephemeral=True, mode=mode):
            pass
    assert asked == [AnswerMode.EXTRACT, AnswerMode.AUTO]


async def test_progress_is_told_while_an_index_is_built(place: Place) -> None:
    told: list[tuple[int, int]] = []
    place.set(INDEX_DIR=place.root / "another")
    async with open_keeper(Settings.load()) as builder:
        done = await builder.change(lambda done, total: told.append((done, total)))
        assert done.built
        assert not (await builder.change()).built
    assert told[-1] == (done.manifest.passages, done.manifest.passages)


async def test_a_search_over_other_documents_leaves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = place.root / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    before = place.releases
    documents = [page("bread", "Bread", "Knead the dough and bake it."), page("chess", "Chess", "Move the queen.")]
    async with open_search_over(Settings.load(), documents) as search:
        assert len(list(folder.iterdir())) == 1
        found = await search.search(Question("how to bake bread"))
        assert [hit.document.id for hit in found.hits] == ["bread", "chess"]
    assert list(folder.iterdir()) == []
    assert place.releases == before


def test_a_calibration_holds_for_its_own_model() -> None:
    weights = UNCALIBRATED.weights
    measured = Measured("digest", bias=1.0, weights=weights, threshold=0.4)
    found = calibration_for("digest", measured)
    assert (found.bias, found.threshold, found.model_digest) == (1.0, 0.4, "digest")
    for other in (
        calibration_for("another", measured),
        calibration_for("digest", None),
        calibration_for("", Measured("")),
    ):
        assert other is UNCALIBRATED
    with pytest.raises(SettingsInvalid, match="weights"):
        calibration_for("digest", Measured("digest", weights=(1.0,)))


def test_the_application_is_made_from_the_environment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[object] = []
    monkeypatch.setattr(logs, "configure", plans.append)
    place.set(PROJECT_NAME="Help")
    made = runpy.run_path(str(REPOSITORY / "main.py"))["app"]
    assert isinstance(made, FastAPI)
    assert made.title == "Help"
    assert len(plans) == 1
