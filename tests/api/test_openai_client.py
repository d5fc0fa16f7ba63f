"""OpenAI's own Python client against the service in a real server."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fakes import FakeChat, Fakes, listening, until
from openai import (
    APIError,
    AsyncOpenAI,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    OpenAI,
)
from openai.types.chat import ChatCompletionMessageParam

from app.domain.conversations import Role
from app.errors import GenerationFailed, NotIdentified, Overloaded

TEXT = "1. Open UDP ports **500** and `4500`. [1]"
MESSAGES: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "My VPN fails"},
    {"role": "assistant", "content": "What does it say?"},
    {"role": "user", "content": [{"type": "text", "text": "Error 809"}]},
]


@dataclass(frozen=True)
class Service:
    """A running service."""

    chat: FakeChat
    url: str

    def client(self) -> OpenAI:
        return OpenAI(base_url=self.url, api_key="any", max_retries=0, timeout=10)


@pytest.fixture
def service() -> Iterator[Service]:
    fakes = Fakes()
    with listening(fakes) as port:
        yield Service(fakes.chat, f"http://127.0.0.1:{port}/v1")


def test_a_completion(service: Service) -> None:
    with service.client() as client:
        completion = client.chat.completions.create(
            model="it-support", messages=MESSAGES, temperature=0.2, max_completion_tokens=200, seed=7, user="u-1"
        )
    (choice,) = completion.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", TEXT, "stop")
    assert completion.usage
    assert completion.usage.total_tokens == 33
    assert completion.id.startswith("chatcmpl-")
    assert completion._request_id
    extension = completion.model_dump()["it_support"]
    assert (extension["outcome"], extension["citations"][0]["document_id"]) == ("answered", "vpn-error-809")
    (asked,) = service.chat.asked
    assert (asked.text, asked.max_tokens, asked.history and len(asked.history)) == ("Error 809", 200, 2)
    assert asked.history
    assert asked.history[0].role is Role.USER


def test_a_stream_with_usage(service: Service) -> None:
    with service.client() as client:
        chunks = list(
            client.chat.completions.create(
                model="it-support", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
            )
        )
    assert chunks[0].choices[0].delta.role == "assistant"
    said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert said.strip() == TEXT
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-2].model_dump()["it_support"]["outcome"] == "answered"
    assert (chunks[-1].choices, chunks[-1].usage and chunks[-1].usage.total_tokens) == ([], 33)
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_client_s_own_gathering_of_a_stream(service: Service) -> None:
    with (
        service.client() as client,
        client.chat.completions.stream(model="it-support", messages=MESSAGES) as stream,
    ):
        kinds = {event.type for event in stream}
        completion = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert (completion.choices[0].message.content or "").strip() == TEXT
    assert completion.choices[0].finish_reason == "stop"


def test_models(service: Service) -> None:
    with service.client() as client:
        (model,) = list(client.models.list())
        assert (model.id, model.object) == ("it-support", "model")
        assert client.models.retrieve("it-support") == model
        with pytest.raises(NotFoundError) as missing:
            client.models.retrieve("gpt-4o")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")


def test_errors_have_the_classes_they_should(service: Service) -> None:
    with service.client() as client:
        create = client.chat.completions.create
        with pytest.raises(NotFoundError) as missing:
            create(model="gpt-4o", messages=MESSAGES)
        with pytest.raises(BadRequestError) as several:
            create(model="it-support", messages=MESSAGES, n=2)
        with pytest.raises(BadRequestError) as blank:
            create(model="it-support", messages=[{"role": "user", "content": " "}], stream=True)
        service.chat.error = NotIdentified("x")
        with pytest.raises(AuthenticationError):
            create(model="it-support", messages=MESSAGES)
        service.chat.error = Overloaded("x", 3)
        with pytest.raises(InternalServerError) as busy:
            create(model="it-support", messages=MESSAGES)
    assert missing.value.code == "model_not_found"
    assert missing.value.request_id
    assert (several.value.param, several.value.type) == ("n", "invalid_request_error")
    assert blank.value.param == "messages[0].content"
    assert "must not be blank" in blank.value.message
    assert (busy.value.status_code, busy.value.response.headers["retry-after"]) == (503, "3")


def test_a_busy_service_is_asked_again_by_the_client(service: Service) -> None:
    service.chat.error = Overloaded("x", 1)
    with service.client().with_options(max_retries=1) as client, pytest.raises(InternalServerError):
        client.chat.completions.create(model="it-support", messages=MESSAGES)
    assert len(service.chat.asked) == 2


def test_an_error_within_a_stream_is_raised(service: Service) -> None:
    service.chat.late_error = GenerationFailed("model", "hunter2")
    with service.client() as client:
        stream = client.chat.completions.create(model="it-support", messages=MESSAGES, stream=True)
        assert next(stream).choices[0].delta.role == "assistant"
        with pytest.raises(APIError, match="try again") as failed:
            next(stream)
    assert failed.value.code == "generation_failed"
    assert "hunter2" not in str(failed.value.body)


def test_a_stream_that_is_closed_frees_the_work_within_a_second(service: Service) -> None:
    service.chat.wait = 60
    with service.client() as client:
        with client.chat.completions.create(model="it-support", messages=MESSAGES, stream=True) as stream:
            next(stream)
            assert service.chat.closed == 0
        assert until(lambda: service.chat.closed == 1) < 1


async def test_the_async_client(service: Service) -> None:
    async with AsyncOpenAI(base_url=service.url, api_key="any", max_retries=0, timeout=10) as client:
        completion = await client.chat.completions.create(model="it-support", messages=MESSAGES)
        stream = await client.chat.completions.create(model="it-support", messages=MESSAGES, stream=True)
        said = [choice.delta.content or "" async for chunk in stream for choice in chunk.choices]
        assert [model.id async for model in client.models.list()] == ["it-support"]
        with pytest.raises(BadRequestError):
            await client.chat.completions.create(model="it-support", messages=[])
    assert completion.choices[0].message.content == TEXT
    assert "".join(said).strip() == TEXT
