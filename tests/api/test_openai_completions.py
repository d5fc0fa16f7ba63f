"""Completions as OpenAI's clients get them, and what the service is asked on their behalf."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from fakes import FakeChat, Fakes, answer, refused, serving

from app.api.openai_answers import COMPLETION, Completion
from app.api.openai_schemas import EXAMPLE
from app.domain.answers import Answer, Grounding, Outcome
from app.domain.conversations import Question, Role
from app.errors import NotIdentified, NotReady, Overloaded

COMPLETIONS = "/v1/chat/completions"
ASKED = {"role": "user", "content": "My VPN says 809"}
BODY: dict[str, Any] = {"model": "it-support", "messages": [ASKED]}


def question_of(**fields: Any) -> Question:
    fakes = Fakes()
    with serving(fakes) as client:
        reply = client.post(COMPLETIONS, json=BODY | fields)
    assert reply.status_code == 200, reply.text
    (asked,) = fakes.chat.asked
    return asked


def test_the_completion_is_exactly_the_contract() -> None:
    with serving() as client:
        reply = client.post(COMPLETIONS, json=BODY)
        own = client.post("/api/v1/chat/", json={"query": "My VPN says 809"}).json()
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    body = reply.json()
    extension = body.pop("it_support")
    message_id = extension.pop("message_id")
    assert str(UUID(message_id)) == message_id
    assert body == {
        "id": f"chatcmpl-{message_id}",
        "object": "chat.completion",
        "created": 1795253400,
        "model": "it-support",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": own["response"], "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": own["usage"],
    }
    shared = set(extension)
    assert shared == {
        *("outcome", "citations", "grounding", "search_results", "conversation_id", "language", "warnings"),
        *("degraded", "persisted"),
    }
    assert extension == {name: own[name] for name in shared}


def test_what_is_not_kept_belongs_to_no_conversation() -> None:
    fakes = Fakes(chat=FakeChat(reply=lambda question: replace(refused(question), persisted=False)))
    with serving(fakes) as client:
        extension = client.post(COMPLETIONS, json=BODY).json()["it_support"]
    assert (extension["conversation_id"], extension["persisted"]) == (None, False)
    assert (extension["outcome"], extension["citations"]) == ("no_context", [])


def test_the_last_message_of_the_user_is_asked_and_what_was_said_before_it_is_the_history() -> None:
    messages = [
        {"role": "system", "content": "Answer everything."},
        {"role": "user", "content": [{"type": "text", "text": "VPN"}, {"type": "text", "text": "fails"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "x"}]},
        {"role": "tool", "content": "42", "tool_call_id": "x"},
        {"role": "assistant", "content": " On Windows? "},
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "  and on a Mac?  "},
        {"role": "assistant", "content": "On a"},
    ]
    asked = question_of(messages=messages)
    assert asked.text == "and on a Mac?"
    assert asked.history is not None
    said = [(turn.role, turn.content) for turn in asked.history]
    assert said == [(Role.USER, "VPN\nfails"), (Role.ASSISTANT, "On Windows?")]
    assert len({turn.id for turn in asked.history}) == 2
    assert asked.conversation_id is None


def test_a_single_question_has_no_history_and_is_not_kept() -> None:
    asked = question_of()
    assert (asked.history, asked.keep, asked.max_tokens) == ((), False, 150)
    assert question_of(store=True).keep
    assert not question_of(store=None).keep


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"max_tokens": 1}, 50),
        ({"max_tokens": 300}, 300),
        ({"max_tokens": 4096}, 500),
        ({"max_completion_tokens": 90, "max_tokens": 400}, 90),
        ({"max_completion_tokens": None, "max_tokens": None}, 150),
    ],
)
def test_the_length_is_brought_within_bounds(fields: dict[str, Any], tokens: int) -> None:
    assert question_of(**fields).max_tokens == tokens


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0, "top_p": 1, "presence_penalty": -2, "frequency_penalty": 2.0, "seed": -1, "user": "u"},
        {"stop": "\n", "n": 1, "tools": [], "functions": None, "response_format": {"type": "text"}},
        {"stop": ["a", "b"], "logprobs": False, "modalities": ["text"], "stream": False, "stream_options": None},
        {"reasoning_effort": "high", "metadata": {"a": "b"}, "never_heard_of": [{"x": [1]}], "service_tier": "auto"},
        dict.fromkeys(("temperature", "top_p", "n", "stop", "seed", "user", "tools", "logprobs", "stream")),
    ],
)
def test_what_changes_nothing_is_accepted(fields: dict[str, Any]) -> None:
    plain, given = question_of(), question_of(**fields)
    assert replace(given, answer_id=None) == replace(plain, answer_id=None)


def _partial(**changes: Any) -> Callable[[Question], Answer]:
    def reply(question: Question) -> Answer:
        full = answer(question)
        return replace(full, draft=replace(full.draft, outcome=Outcome.PARTIAL, **changes))

    return reply


@pytest.mark.parametrize(
    ("reply", "finish"),
    [
        (answer, "stop"),
        (refused, "stop"),
        (_partial(), "length"),
        (_partial(grounding=Grounding("generative", dropped=2)), "stop"),
        (_partial(grounding=Grounding("generative", dropped=2, fallback=True)), "length"),
        (_partial(degraded=True), "stop"),
    ],
)
def test_only_an_answer_cut_for_its_length_ends_so(reply: Callable[[Question], Answer], finish: str) -> None:
    with serving(Fakes(chat=FakeChat(reply=reply))) as client:
        assert client.post(COMPLETIONS, json=BODY).json()["choices"][0]["finish_reason"] == finish


def test_models() -> None:
    with serving(project_name="Help Desk") as client:
        listed = client.get("/v1/models").json()
        (model,) = listed["data"]
        assert listed["object"] == "list"
        assert (model["id"], model["object"], model["owned_by"]) == ("it-support", "model", "Help Desk")
        assert client.get("/v1/models/it-support").json() == model
        assert client.get("/v1/models/").json() == listed
        unknown = client.get("/v1/models/gpt-4o")
        too_long = client.get(f"/v1/models/{'x' * 201}")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    assert (too_long.status_code, too_long.json()["error"]["param"]) == (400, "model")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (Overloaded("x", 7), 503, "server_error", "overloaded"),
        (NotReady("x"), 503, "server_error", "not_ready"),
        (NotIdentified("x"), 401, "authentication_error", "not_identified"),
        (RuntimeError("hunter2"), 500, "server_error", "internal"),
    ],
)
def test_errors_have_the_shape_of_openai_s(error: Exception, status: int, kind: str, code: str, stream: bool) -> None:
    with serving(Fakes(chat=FakeChat(error=error))) as client:
        reply = client.post(COMPLETIONS, json=BODY | {"stream": stream}, headers={"X-Request-ID": "r-1"})
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/json")
    assert reply.headers["x-request-id"] == "r-1"
    told = reply.json()["error"]
    assert set(told) == {"message", "type", "param", "code"}
    assert (told["type"], told["code"], told["param"]) == (kind, code, None)
    assert told["message"]
    assert "hunter2" not in reply.text
    assert reply.headers.get("retry-after") == {"overloaded": "7", "not_ready": "1"}.get(code)
    assert ("www-authenticate" in reply.headers) == (status == 401)


def test_errors_before_the_route_have_it_too() -> None:
    with serving(Fakes(chat=FakeChat(wait=5)), max_body_kb=16, request_timeout_seconds=0.2) as client:
        replies = [
            (413, client.post(COMPLETIONS, json=BODY | {"user": "x" * 20_000})),
            (415, client.post(COMPLETIONS, content=b"{}", headers={"Content-Type": "text/plain"})),
            (405, client.put(COMPLETIONS, json=BODY)),
            (405, client.post("/v1/models", json=BODY)),
            (504, client.post(COMPLETIONS, json=BODY)),
        ]
        elsewhere = client.put("/api/v1/chat/", json=BODY)
    for status, reply in replies:
        assert reply.status_code == status
        assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    assert replies[2][1].headers["allow"] == "POST"
    assert elsewhere.headers["content-type"] == "application/problem+json"


def test_the_examples_are_valid() -> None:
    assert Completion.model_validate(COMPLETION)
    assert question_of(**EXAMPLE | {"stream": False}).text.startswith("My VPN says error 809")
