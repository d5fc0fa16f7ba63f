"""Many answers in one running batch: transformers' own continuous batching, which runs on a CPU as well."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.adapters.generators import transformers_batches, transformers_generator, transformers_model
from app.adapters.generators.quantisation import Quantisation, check_openvino, check_transformers, loading_options
from app.adapters.generators.transformers_batches import Batches
from app.adapters.generators.transformers_generator import TransformersGenerator
from app.adapters.generators.transformers_model import TransformersModel
from app.domain.models import Delta, Generation, Prompt
from app.errors import GenerationFailed, SettingsInvalid
from app.modelfiles.device import has_gpu
from app.modelfiles.locate import ModelFiles

pytest_plugins = ["tiny_models"]


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def batched(tiny_chat_model: ModelFiles) -> Iterator[TransformersModel]:
    patch = pytest.MonkeyPatch()
    patch.setattr(
        transformers_model, "Batches", lambda model: Batches(model, num_blocks=32, max_batch_tokens=256, page_size=32)
    )
    model = TransformersModel(tiny_chat_model.path, "cpu", 512, batched=True)
    patch.undo()
    yield model
    model.close()


@pytest.fixture(scope="module")
def alone(tiny_chat_model: ModelFiles) -> TransformersModel:
    return TransformersModel(tiny_chat_model.path, "cpu", 512)


def test_many_at_once_write_what_each_would_alone(batched: TransformersModel, alone: TransformersModel) -> None:
    prompts = [Prompt("", f"reset my vpn {'and open settings ' * number}") for number in range(5)]
    with ThreadPoolExecutor(5) as pool:
        together = list(pool.map(lambda prompt: batched.write(prompt, 12, never), prompts))
    assert together == [alone.write(prompt, 12, never) for prompt in prompts]


def test_pieces_are_heard_and_make_up_the_text(batched: TransformersModel, alone: TransformersModel) -> None:
    for model in (batched, alone):
        heard: list[str] = []
        answer = model.write(Prompt("", "the printer is on fire"), 12, never, heard.append)
        assert "".join(heard) == answer.text
        assert len(heard) > 2


def test_who_leaves_is_not_written_for(batched: TransformersModel) -> None:
    gone = threading.Event()
    begun = time.monotonic()
    answer = batched.write(Prompt("", "the printer"), 400, gone.is_set, lambda _: gone.set())
    assert time.monotonic() - begun < 1
    assert answer.completion_tokens < 400


class Manager:
    """A batch that can be scripted."""

    def __init__(self, outputs: list[Any], *, takes: bool = True) -> None:
        self.outputs = outputs
        self.takes = takes
        self.stopped = False

    def start(self) -> None: ...

    def stop(self, **_: Any) -> None:
        self.stopped = True

    def is_running(self) -> bool:
        return False

    def add_request(self, _: list[int], name: str, *__: Any, **___: Any) -> str | None:
        return name if self.takes else None

    def __iter__(self) -> Iterator[Any]:
        time.sleep(0.1)
        return iter(self.outputs)


def batches(manager: Manager) -> Batches:
    config = SimpleNamespace(eos_token_id=None)
    return Batches(SimpleNamespace(generation_config=config, init_continuous_batching=lambda *_: manager))


@pytest.mark.parametrize(
    ("manager", "reason"),
    [
        (Manager([], takes=False), "has ended"),
        (Manager([]), "has ended"),
        (Manager([SimpleNamespace(request_id="1", generated_tokens=[], error="out of memory")]), "batch"),
    ],
)
def test_a_batch_that_failed_is_told(manager: Manager, reason: str) -> None:
    running = batches(manager)
    with pytest.raises(GenerationFailed, match=reason) as caught:
        running.write([1], 5, never)
    assert "memory" not in str(caught.value)
    running.close()
    assert manager.stopped


def test_a_failure_inside_the_batch_names_no_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers_batches, "_LOOK_SECONDS", 5)
    failed = SimpleNamespace(request_id="1", generated_tokens=[], error="out of memory")
    with pytest.raises(GenerationFailed, match="the batch failed"):
        batches(Manager([SimpleNamespace(request_id="of nobody"), failed])).write([1], 5, never)


async def test_on_a_gpu_answers_are_written_side_by_side(tmp_path: Path) -> None:
    barrier = threading.Barrier(3, timeout=10)

    class Side:
        """Writes only when three do."""

        closed = False

        def write(self, prompt: Prompt, *_: Any) -> Generation:
            barrier.wait()
            return Generation(prompt.user, 1, 1)

        def count_tokens(self, text: str) -> int:
            return len(text)

        def close(self) -> None:
            self.closed = True

    side = Side()
    files = ModelFiles("side", tmp_path, "0" * 64)
    generator = TransformersGenerator(files, device="cuda", load=lambda *_: side)
    await asyncio.to_thread(generator._model.result)
    answers = await asyncio.gather(*(generator.generate(Prompt("", str(n)), max_tokens=1) for n in range(3)))
    assert [answer.text for answer in answers] == ["0", "1", "2"]
    assert generator._limit == transformers_generator._GPU_SEQUENCES + 8
    await asyncio.to_thread(generator.close)
    assert side.closed


async def test_a_real_model_streams(tiny_chat_model: ModelFiles) -> None:
    generator = TransformersGenerator(tiny_chat_model, device="cpu")
    await asyncio.to_thread(generator._model.result)
    *pieces, whole = [piece async for piece in generator.stream(Prompt("", "vpn"), max_tokens=9)]
    assert whole == await generator.generate(Prompt("", "vpn"), max_tokens=9)
    assert "".join(piece.text for piece in pieces if isinstance(piece, Delta)) == whole.text
    await asyncio.to_thread(generator.close)


def test_quantising_is_refused_by_name_where_it_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for wanted in (Quantisation.INT8, Quantisation.INT4):
        for device, why in (("cpu", "needs a GPU"), ("cuda", "bitsandbytes")):
            with pytest.raises(SettingsInvalid, match=why) as caught:
                check_transformers(wanted, device)
            assert caught.value.variable == "LLM_QUANTISATION"
    check_transformers(Quantisation.NONE, "cpu")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    check_transformers(Quantisation.INT4, "cuda")


def test_openvino_takes_8_bits_as_they_are_and_not_4() -> None:
    check_openvino(Quantisation.NONE)
    check_openvino(Quantisation.INT8)
    with pytest.raises(SettingsInvalid, match="from a file"):
        check_openvino(Quantisation.INT4)


@pytest.mark.parametrize("wanted", [Quantisation.INT8, Quantisation.INT4])
def test_what_transformers_is_told(wanted: Quantisation, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers  # noqa: PLC0415 - seconds to import

    monkeypatch.setattr(transformers, "BitsAndBytesConfig", SimpleNamespace)
    config = loading_options(wanted)["quantization_config"]
    assert (config.load_in_8bit, config.load_in_4bit) == (wanted == "int8", wanted == "int4")
    assert loading_options(Quantisation.NONE) == {}


@pytest.mark.cuda
def test_a_gpu_writes_many_at_once(tiny_chat_model: ModelFiles) -> None:
    if not has_gpu():
        pytest.skip("no GPU here")
    model = TransformersModel(tiny_chat_model.path, "cuda", 512)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: model.write(Prompt("", f"vpn {n}"), 8, never), range(16)))
    model.close()
    assert {answer.completion_tokens for answer in answers} <= set(range(1, 9))
