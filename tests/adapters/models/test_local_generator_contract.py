"""What every generator promises, shown on those that run a model of their own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import test_generator_contract

from app.adapters.generators.openvino_generator import OpenVinoGenerator
from app.adapters.generators.transformers_generator import TransformersGenerator
from app.modelfiles.locate import ModelFiles, language_model
from app.ports import Generator

pytest_plugins = ["tiny_models"]

# Every test of the suite, run here with the generators below.
globals().update({name: test for name, test in vars(test_generator_contract).items() if name.startswith("test_")})


@pytest.fixture(scope="module")
def packaged(kept_models: Path) -> Iterator[OpenVinoGenerator]:
    """Open the packaged model; exactly, so that no answer depends on its neighbours."""
    opened = OpenVinoGenerator(language_model("SmolLM2-135M-Instruct", kept_models), kept_models, exact=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def tiny(tiny_chat_model: ModelFiles) -> Iterator[TransformersGenerator]:
    opened = TransformersGenerator(tiny_chat_model, device="cpu", waiting=40)
    yield opened
    opened.close()


@pytest.fixture(params=["tiny", pytest.param("packaged", marks=pytest.mark.models)])
async def generator(request: pytest.FixtureRequest) -> Generator:
    opened: Generator = request.getfixturevalue(request.param)
    async with asyncio.timeout(120):
        while not opened.ready():  # noqa: ASYNC110 - the port knows no event
            await asyncio.sleep(0.05)
    return opened
