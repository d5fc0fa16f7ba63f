"""The OpenVINO adapter: its pipeline on scripted vendor objects, and on the packaged model."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.adapters.generators import openvino_generator, tokenizer_export
from app.adapters.generators.openvino_generator import OpenVinoGenerator
from app.adapters.generators.openvino_pipeline import (
    OpenVinoPipeline,
    OpenVinoStream,
    PipelineLimits,
    _properties,
)
from app.adapters.generators.prepared import open_tokens, readable_model
from app.adapters.generators.tokens import JsonTokens, OpenVinoTokens, Tokens
from app.domain.models import Generation, Prompt
from app.errors import GenerationFailed, ModelAltered, NotReady
from app.modelfiles.locate import ModelFiles, language_model

pytest_plugins = ["tiny_models"]

VPN_QUESTION = "Hello, world! How do I reset my VPN?"
VPN_TOKENS = [19556, 28, 905, 17, 1073, 536, 339, 15453, 957, 25357, 47]


@pytest.fixture(scope="module")
def packaged(kept_models: Path) -> ModelFiles:
    return language_model("SmolLM2-135M-Instruct", kept_models)


@pytest.mark.models
@pytest.mark.parametrize("reader", ["exported", "openvino"])
def test_a_fixed_text_has_the_models_token_ids(reader: str, packaged: ModelFiles, kept_models: Path) -> None:
    exported = reader == "exported"
    tokens: Tokens = open_tokens(packaged, kept_models) if exported else OpenVinoTokens(packaged.path)
    assert tokens.ids(VPN_QUESTION) == VPN_TOKENS
    assert tokens.ids("a<|im_end|>b") == [81, 2, 82]
    assert tokens.ids("") == []
    assert len(tokens.ids("How do I reset my VPN?")) == 7


@pytest.mark.slow
@pytest.mark.models
def test_the_tokenizer_is_exported_as_transformers_reads_it(packaged: ModelFiles, tmp_path: Path) -> None:
    assert tokenizer_export.main([str(packaged.path), str(tmp_path / "tokenizer.json")]) == 0
    assert JsonTokens(tmp_path / "tokenizer.json").ids(VPN_QUESTION) == VPN_TOKENS


@pytest.mark.models
def test_the_packaged_model_in_this_process(packaged: ModelFiles, kept_models: Path) -> None:
    limits = PipelineLimits(context_tokens=256, cache_tokens=512, sequences=2, exact=True, threads=2)
    pipeline = OpenVinoPipeline(readable_model(packaged, kept_models), kept_models / "compiled", limits)

    def run(*streams: OpenVinoStream) -> list[Generation]:
        done: dict[int, Generation] = {}
        while len(done) < len(streams):
            pipeline.step()
            for number, stream in enumerate(streams):
                answer = None if number in done else stream.finished()
                if answer is not None:
                    done[number] = answer
        return [done[number] for number in range(len(streams))]

    prompts = [Prompt("Answer in one word.", f"What is {number} and one?") for number in range(2)]
    alone = [run(pipeline.start(prompt, 12))[0] for prompt in prompts]
    # Computed exactly, an answer does not depend on what is written beside it.
    assert run(*(pipeline.start(prompt, 12) for prompt in prompts)) == alone
    assert all(answer.completion_tokens <= 12 and answer.text for answer in alone)
    given_up = pipeline.start(prompts[0], 100)
    pipeline.step()
    given_up.cancel()
    assert pipeline.step() is False
    with pytest.raises(GenerationFailed, match="tokens exceed 256"):
        pipeline.start(Prompt("", "word " * 200), 60)


class Handle:
    """A vendor's handle with a script of what it says at each look."""

    def __init__(self, status: str, outputs: list[tuple[list[int], str]]) -> None:
        self.status = status
        self.outputs = outputs
        self.cancelled = False

    def get_status(self) -> SimpleNamespace:
        return SimpleNamespace(name=self.status)

    def can_read(self) -> bool:
        return bool(self.outputs)

    def read(self) -> dict[int, SimpleNamespace]:
        ids, reason = self.outputs.pop(0)
        return {0: SimpleNamespace(generated_ids=ids, finish_reason=SimpleNamespace(name=reason))}

    def cancel(self) -> None:
        self.cancelled = True


class Tokenizer:
    """A vendor's tokenizer whose tokens are characters."""

    def __init__(self, template: str = "chat", *, system: bool = True) -> None:
        self.template = template
        self.system = system

    def decode(self, ids: list[int]) -> str:
        return "".join(map(chr, ids))

    def encode(self, text: str, **_: bool) -> SimpleNamespace:
        return SimpleNamespace(input_ids=SimpleNamespace(shape=(1, len(text)), text=text))

    def get_original_chat_template(self) -> str:
        return self.template

    def apply_chat_template(self, turns: list[dict[str, str]], **_: bool) -> str:
        if turns[0]["role"] == "system" and not self.system:
            raise RuntimeError("no system part")
        return "".join(f"[{turn['role']}]{turn['content']}" for turn in turns)


def stream(status: str, *outputs: tuple[list[int], str]) -> OpenVinoStream:
    return OpenVinoStream(Handle(status, list(outputs)), Tokenizer(), 5)


def test_an_answer_is_gathered_from_its_parts() -> None:
    running = stream("RUNNING", ([72], "NONE"), ([105], "NONE"))
    assert running.finished() is None
    running._handle.status = "FINISHED"
    running._handle.outputs = [([32], "STOP")]
    assert running.finished() == Generation("Hi", 5, 3, "stop")
    assert stream("FINISHED", ([72], "LENGTH")).finished() == Generation("H", 5, 1, "length")


@pytest.mark.parametrize("status", ["IGNORED", "CANCEL", "STOP"])
def test_an_answer_the_engine_gave_up_is_a_failure(status: str) -> None:
    with pytest.raises(GenerationFailed, match=status):
        stream(status).finished()


class Vendor:
    """Enough of the vendor's pipeline to start requests."""

    def __init__(self, tokenizer: Tokenizer, add: Callable[..., Any]) -> None:
        self.pipeline = OpenVinoPipeline.__new__(OpenVinoPipeline)
        self.pipeline._limits = PipelineLimits(100, 100)
        self.pipeline._tokenizer = tokenizer
        self.pipeline._templated = bool(tokenizer.template)
        self.pipeline._requests = 0
        self.pipeline._pipeline = SimpleNamespace(get_config=SimpleNamespace, add_request=add)
        self.seen: list[str] = []


@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        (Tokenizer(), "[system]Be brief.[user]Why?"),
        (Tokenizer(system=False), "[user]Be brief.\n\nWhy?"),
        (Tokenizer(template=""), "Be brief.\n\nQuestion: Why?\nAnswer:"),
    ],
)
def test_prompts_are_laid_out_as_the_model_wants_them(tokenizer: Tokenizer, expected: str) -> None:
    seen: list[Any] = []

    def add(number: int, ids: Any, config: Any) -> Handle:
        seen.extend([ids.text, config.max_new_tokens, config.do_sample])
        return Handle("RUNNING", [])

    Vendor(tokenizer, add).pipeline.start(Prompt("Be brief.", "Why?"), 7)
    assert seen == [expected, 7, False]


def test_a_request_the_vendor_refuses_is_a_failure() -> None:
    def add(*_: Any) -> Handle:
        raise RuntimeError("Check 'prompt_len > 0' failed")

    with pytest.raises(GenerationFailed, match="RuntimeError") as caught:
        Vendor(Tokenizer(), add).pipeline.start(Prompt("", "Why?"), 7)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_exact_arithmetic_and_few_threads_are_passed_on(tmp_path: Path) -> None:
    plain = _properties(tmp_path, PipelineLimits(1, 1))
    assert plain == {"CACHE_DIR": str(tmp_path), "INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f16"}
    exact = _properties(tmp_path, PipelineLimits(1, 1, exact=True, threads=3))
    assert (exact["DYNAMIC_QUANTIZATION_GROUP_SIZE"], exact["INFERENCE_NUM_THREADS"]) == ("0", 3)


def test_a_folder_of_another_format_is_refused(tiny_chat_model: ModelFiles, tmp_path: Path) -> None:
    with pytest.raises(ModelAltered, match="neither GGUF") as caught:
        OpenVinoGenerator(tiny_chat_model, tmp_path)
    assert "LLM_BACKEND=transformers" in caught.value.remedy


@pytest.fixture
def openvino_folder(tmp_path: Path) -> ModelFiles:
    """Return a folder that looks like a model in OpenVINO's format, and is none."""
    folder = tmp_path / "ir"
    folder.mkdir()
    for name in ("openvino_model.xml", "openvino_model.bin"):
        (folder / name).write_text("")
    return language_model(str(folder), tmp_path / "cache")


async def test_a_model_that_cannot_be_read_never_becomes_ready(
    openvino_folder: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_generator, "module_command", lambda *_: ["false"])
    generator = OpenVinoGenerator(openvino_folder, tmp_path / "cache")
    async with asyncio.timeout(10):
        while not generator._worker._failure:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not generator.ready()
    with pytest.raises(GenerationFailed, match="not loaded"):
        await generator.generate(Prompt("", "Why?"), max_tokens=3)
    generator.close()


async def test_a_tokenizer_that_cannot_be_read_is_named(openvino_folder: ModelFiles, tmp_path: Path) -> None:
    generator = OpenVinoGenerator(openvino_folder, tmp_path / "cache")
    async with asyncio.timeout(10):
        while generator._tokenizer is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.to_thread(generator._tokenizer.exception)
    generator._worker._ready = True
    with pytest.raises(GenerationFailed, match="no tokenizer"):
        generator.count_tokens("Why?")
    assert not generator.ready()
    generator._tokenizer = None
    with pytest.raises(NotReady):
        generator.count_tokens("Why?")
    generator.close()
