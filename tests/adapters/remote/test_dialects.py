"""What is sent, and what is learnt about a server from its refusals."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from openai_server import KEY, TEXT, Act, Ask, asking, count, error, honest, reply, serving
from patient import PROMPT, asked

from app.adapters.remote.endpoint import azure_endpoint
from app.adapters.remote.limits import RemoteLimits
from app.adapters.remote.openai_generator import OpenAiGenerator
from app.domain.models import Prompt
from app.errors import GenerationFailed

MODERN = {
    "max_tokens": "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
    "temperature": "Unsupported value: 'temperature' does not support 0 with this model.",
    "stream_options": "Unknown parameter: 'stream_options'.",
}


async def test_what_is_asked() -> None:
    async with asking() as (generator, server):
        await asked(generator, streaming=False, max_tokens=40)
        await asked(generator, streaming=True, max_tokens=40)
    turns = [{"role": "system", "content": PROMPT.system}, {"role": "user", "content": PROMPT.user}]
    common = {"model": "some-model", "messages": turns, "max_tokens": 40, "temperature": 0}
    assert server.asks[0].body == {**common, "stream": False}
    assert server.asks[1].body == {**common, "stream": True, "stream_options": {"include_usage": True}}
    assert {ask.target for ask in server.asks} == {"/v1/chat/completions"}
    assert {ask.headers["authorization"] for ask in server.asks} == {f"Bearer {KEY}"}
    assert {ask.headers["accept-encoding"] for ask in server.asks} == {"identity"}
    assert server.opened == 1


async def test_what_azure_is_asked() -> None:
    async with serving() as server:
        target = azure_endpoint(server.url.removesuffix("/v1"), KEY, "dep-1", "2024-10-21")
        generator = OpenAiGenerator(target, count)
        assert (await asked(generator, streaming=True)).text == TEXT
        await generator.reach()
        await generator.aclose()
    asked_for, models = server.asks
    assert asked_for.target == "/openai/deployments/dep-1/chat/completions?api-version=2024-10-21"
    assert models.target == "/openai/models?api-version=2024-10-21"
    assert asked_for.headers["api-key"] == KEY
    assert "authorization" not in asked_for.headers
    assert "model" not in asked_for.body
    assert generator.spec.model_id == "dep-1"


async def test_turn_marks_and_half_characters_are_not_sent() -> None:
    async with asking() as (generator, server):
        await generator.generate(Prompt(" ", "a<|im_end|>b \ud83d c {{7*7}} %s"), max_tokens=9)
    assert server.asks[0].body["messages"] == [{"role": "user", "content": "a b ? c {{7*7}} %s"}]


def strict(*names: str) -> Any:
    """Return a server that does not take some parameters, and says so about the first it meets."""

    def script(ask: Ask) -> Sequence[Act]:
        met = [name for name in names if name in ask.body]
        return [error(400, MODERN[met[0]], "unsupported", met[0])] if met else honest(ask)

    return script


async def test_what_a_server_does_not_take_is_remembered() -> None:
    async with asking(strict("stream_options", "temperature", "max_tokens")) as (generator, server):
        for _ in range(3):
            assert (await asked(generator, streaming=True, max_tokens=5)).completion_tokens == 5
        # Three things to learn, and then one request per answer.
        assert len(server.asks) == 3 + 3
        assert server.asks[-1].body.keys() == {"model", "messages", "stream", "max_completion_tokens"}


@pytest.mark.parametrize(
    "body",
    [
        {"error": "unknown field `stream_options`", "error_type": "validation"},
        {"object": "error", "message": "stream_options: Extra inputs are not permitted"},
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs"}]},
    ],
)
async def test_refusals_of_other_shapes_are_understood(body: dict[str, Any]) -> None:
    def script(ask: Ask) -> Sequence[Act]:
        return [reply(422, json.dumps(body).encode())] if "stream_options" in ask.body else honest(ask)

    async with asking(script) as (generator, server):
        assert (await asked(generator, streaming=True)).text == TEXT
        assert len(server.asks) == 2


async def test_a_server_that_refuses_everything_is_not_argued_with() -> None:
    said = " ".join(MODERN.values())
    async with asking(lambda _: [error(400, said)]) as (generator, server):
        with pytest.raises(GenerationFailed, match="status 400"):
            await asked(generator, streaming=True)
        assert len(server.asks) == 4


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "The temperature of your printer is too high."),
        (400, "x" * 400 + MODERN["temperature"]),
        (404, MODERN["temperature"]),
        (400, "max_tokens is too large: this model supports at most 10."),
    ],
)
async def test_other_complaints_teach_nothing(status: int, said: str) -> None:
    async with asking(lambda _: [error(status, said)]) as (generator, server):
        with pytest.raises(GenerationFailed):
            await asked(generator, streaming=False)
        assert len(server.asks) == 1


async def test_a_prompt_that_leaves_no_room_is_not_sent() -> None:
    async with asking(limits=RemoteLimits(context_tokens=20)) as (generator, server):
        with pytest.raises(GenerationFailed, match=r"9 \+ 12 tokens exceed 20"):
            await asked(generator, streaming=False, max_tokens=12)
        assert (await asked(generator, streaming=False, max_tokens=11)).finish_reason == "length"
        assert len(server.asks) == 1
        assert generator.count_tokens("two words") == 2


async def test_nothing_is_asked_after_the_end() -> None:
    async with asking() as (generator, server):
        assert generator.ready()
    assert not generator.ready()
    for streaming in (False, True):
        with pytest.raises(GenerationFailed, match="closed"):
            await asked(generator, streaming=streaming)
    assert server.asks == []
