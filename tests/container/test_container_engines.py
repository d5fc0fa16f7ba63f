"""Engines: which one runs a model, and that each is closed."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest

from app.adapters.embedders import openvino_embedder, torch_embedder
from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.embedders.layout import NotConvertible
from app.adapters.generators import openvino_generator, transformers_generator
from app.config import Settings
from app.container import engines
from app.container.engines import engine_for, loaded, needs_generator, open_embedder, open_generator
from app.domain.answers import AnswerMode
from app.errors import GenerationFailed, ModelAltered, NotReady
from app.modelfiles import locate
from app.modelfiles.locate import ModelFiles
from tests.answer_spies import SpyGenerator

MEASURED = {"m": {"steps": "extract", "prose": "generate"}, "n": {"steps": "extract"}}
NEEDS = [
    (AnswerMode.EXTRACT, "m", False),
    (AnswerMode.GENERATE, "unknown", True),
    (AnswerMode.AUTO, "m", True),
    (AnswerMode.AUTO, "n", False),
    (AnswerMode.AUTO, "unknown", False),
]


@pytest.mark.parametrize(("mode", "model", "needed"), NEEDS)
def test_a_model_that_would_write_nothing_is_not_needed(mode: AnswerMode, model: str, needed: bool) -> None:
    assert needs_generator(mode, model, MEASURED) is needed


def model_at(path: Path) -> ModelFiles:
    return ModelFiles("m", path, "0" * 64)


@pytest.fixture
def openvino_folder(tmp_path: Path) -> Path:
    for name in ("openvino_model.xml", "openvino_model.bin"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(("gpu", "engine"), [(False, "openvino"), (True, "transformers")])
def test_a_gguf_file_runs_on_openvino_unless_there_is_a_gpu(
    monkeypatch: pytest.MonkeyPatch, openvino_folder: Path, gpu: bool, engine: str
) -> None:
    monkeypatch.setattr(engines, "has_gpu", lambda: gpu)
    assert engine_for(model_at(Path("m.gguf")), "auto") == engine
    assert engine_for(model_at(openvino_folder), "auto") == engine


def test_any_other_model_runs_on_transformers(tmp_path: Path) -> None:
    assert engine_for(model_at(tmp_path), "auto") == "transformers"


@pytest.mark.parametrize("backend", ["openvino", "transformers"])
def test_the_engine_can_be_chosen(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setattr(engines, "has_gpu", lambda: backend == "openvino")
    assert engine_for(model_at(Path("m.gguf")), backend) == backend


def test_a_model_openvino_cannot_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelAltered, match="m is not in a format OpenVINO reads") as refused:
        engine_for(model_at(tmp_path), "openvino")
    assert refused.value.remedy == "set LLM_BACKEND=transformers"


class FakeEmbedder(HashingEmbedder):
    """An embedder that knows what it was made from, and that it was closed."""

    made: "ClassVar[list[FakeEmbedder]]"

    def __init__(self, files: ModelFiles, *_rest: object) -> None:
        super().__init__()
        self.files = files
        self.closed = False
        self.made.append(self)

    def close(self) -> None:
        self.closed = True


def fake_embedder(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[FakeEmbedder]:
    class Fake(FakeEmbedder):
        made: ClassVar[list[FakeEmbedder]] = []

    monkeypatch.setattr(module, name, Fake)
    return Fake.made


def settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return Settings.load(None)


@pytest.fixture
def located(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModelFiles:
    files = model_at(tmp_path)
    monkeypatch.setattr(locate, "embedding_model", lambda *_rest: files)
    monkeypatch.setattr(locate, "language_model", lambda *_rest: files)
    return files


@pytest.mark.parametrize(
    ("engine", "gpu", "used"),
    [
        ("auto", False, "openvino"),
        ("auto", True, "torch"),
        ("torch", False, "torch"),
        ("openvino", True, "openvino"),
    ],
)
async def test_the_embedding_engine_follows_the_machine_and_the_settings(
    monkeypatch: pytest.MonkeyPatch, located: ModelFiles, engine: str, gpu: bool, used: str
) -> None:
    made = {
        "openvino": fake_embedder(monkeypatch, openvino_embedder, "OpenVinoEmbedder"),
        "torch": fake_embedder(monkeypatch, torch_embedder, "TorchEmbedder"),
    }
    monkeypatch.setattr(engines, "has_gpu", lambda: gpu)
    async with AsyncExitStack() as stack:
        opened = await open_embedder(stack, settings(monkeypatch, EMBEDDING_ENGINE=engine))
        assert [name for name, embedders in made.items() if embedders] == [used]
        [embedder] = made[used]
        assert opened is embedder
        assert embedder.files is located
        assert not embedder.closed
    assert embedder.closed


def refuse(*_rest: object) -> None:
    raise NotConvertible("m is of another kind")


async def test_what_openvino_cannot_take_runs_on_torch_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, located: ModelFiles, caplog: pytest.LogCaptureFixture
) -> None:
    made = fake_embedder(monkeypatch, torch_embedder, "TorchEmbedder")
    monkeypatch.setattr(openvino_embedder, "OpenVinoEmbedder", refuse)
    monkeypatch.setattr(engines, "has_gpu", lambda: False)
    with caplog.at_level(logging.WARNING):
        async with AsyncExitStack() as stack:
            assert await open_embedder(stack, settings(monkeypatch, EMBEDDING_ENGINE="auto")) is made[0]
    assert made[0].closed
    assert "embedding model runs on torch" in caplog.text


async def test_openvino_asked_for_by_name_is_no_wish(monkeypatch: pytest.MonkeyPatch, located: ModelFiles) -> None:
    monkeypatch.setattr(openvino_embedder, "OpenVinoEmbedder", refuse)
    async with AsyncExitStack() as stack:
        with pytest.raises(NotConvertible):
            await open_embedder(stack, settings(monkeypatch, EMBEDDING_ENGINE="openvino"))


class FakeGenerator(SpyGenerator):
    """A generator that can be closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("backend", ["openvino", "transformers"])
async def test_the_language_model_runs_on_its_engine_and_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: str
) -> None:
    made: dict[str, FakeGenerator] = {}

    def maker(name: str) -> Any:
        return lambda *_rest, **_knobs: made.setdefault(name, FakeGenerator(model_id=name))

    monkeypatch.setattr(openvino_generator, "OpenVinoGenerator", maker("openvino"))
    monkeypatch.setattr(transformers_generator, "TransformersGenerator", maker("transformers"))
    monkeypatch.setattr(locate, "language_model", lambda *_rest: model_at(tmp_path / "m.gguf"))
    async with AsyncExitStack() as stack:
        chosen = settings(monkeypatch, LLM_BACKEND=backend)
        opened = await open_generator(stack, chosen, AnswerMode.GENERATE, {})
        assert opened is made[backend]
        assert list(made) == [backend]
        assert not made[backend].closed
    assert made[backend].closed


@pytest.mark.parametrize("measured", [{}, MEASURED])
async def test_a_model_no_answer_would_use_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch, measured: Mapping[str, Mapping[str, str]]
) -> None:
    monkeypatch.setattr(locate, "language_model", lambda *_rest: pytest.fail("it must not be looked for"))
    async with AsyncExitStack() as stack:
        assert await open_generator(stack, settings(monkeypatch), AnswerMode.AUTO, measured) is None


class SlowGenerator(SpyGenerator):
    """Becomes ready after some looks, or fails."""

    looks = 0
    fails = False

    def count_tokens(self, text: str) -> int:
        self.looks += 1
        if self.looks < 3:
            raise NotReady("model")
        if self.fails:
            raise GenerationFailed("model", "cannot be loaded")
        return super().count_tokens(text)


async def test_a_command_waits_until_the_model_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_LOOK_SECONDS", 0.001)
    slow = SlowGenerator()
    await asyncio.wait_for(loaded(slow), 5)
    assert slow.looks == 3
    await loaded(None)


async def test_a_model_that_cannot_be_loaded_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_LOOK_SECONDS", 0.001)
    broken = SlowGenerator()
    broken.fails = True
    with pytest.raises(GenerationFailed):
        await asyncio.wait_for(loaded(broken), 5)
