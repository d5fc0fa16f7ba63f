"""People at work, as load: questions, follow-ups, searches, streams, what was said before, and a load balancer.

Against a service on this machine (`make run`), from the checkout:

    .venv/bin/locust -f tests/load_test.py --headless -u 20 -r 5 -t 60s --host http://127.0.0.1:8000

Every answer is checked for its outcome and shape; one that is wrong, or not there, counts as a failure, and locust then
ends with exit code 1. Set API_V1_PREFIX where the service has another prefix.
"""

# Locust's classes and decorators count as untyped here, see pyproject.toml.
# mypy: disable-error-code="misc, untyped-decorator"

import json
import os
import random
from pathlib import Path
from typing import Any

from locust import HttpUser, between, task

API = os.environ.get("API_V1_PREFIX", "/api/v1")
QUESTIONS = Path(__file__).parents[1] / "data" / "eval" / "questions.jsonl"
OUTCOMES = {"answered", "partial", "no_context", "conflicting", "escalate", "blocked"}
FIELDS = {
    *("response", "query", "context_used", "search_results", "processing_time", "timestamp", "conversation_id"),
    *("message_id", "outcome", "citations", "grounding", "usage", "model", "cached", "persisted", "language"),
}
POPULAR = 20

ROWS = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
FRESH = [row["question"] for row in ROWS if not row["history"]]
FOLLOW_UPS = [row for row in ROWS if row["history"]]
FAVOURITES = [row["question"] for row in ROWS if row["kind"] in {"plain", "terse"}][:POPULAR]
# The first favourite is asked most, the second half as often, and so on: what questions at a help desk look like.
SHARES = [1 / rank for rank in range(1, len(FAVOURITES) + 1)]


class WrongAnswer(Exception):
    """The service answered, but not as it promises."""


def expect(condition: object, complaint: str) -> None:
    """Raise WrongAnswer unless the condition holds."""
    if not condition:
        raise WrongAnswer(complaint)


def check_answer(answer: dict[str, Any], question: str) -> None:
    """Raise WrongAnswer where an answer does not keep the contract."""
    expect(answer.keys() >= FIELDS, f"fields missing: {sorted(FIELDS - answer.keys())}")
    expect(answer["query"] == question.strip(), "answers another question")
    expect(answer["outcome"] in OUTCOMES, f"outcome {answer['outcome']}")
    expect(answer["response"].strip(), "says nothing")
    if answer["outcome"] in {"answered", "partial"}:
        expect(answer["citations"], "cites nothing")
        expect(answer["grounding"]["grounded"] == answer["grounding"]["sentences"], "says what is not carried")
    else:
        expect(not answer["citations"], "cites something for nothing")


def check_search(found: dict[str, Any], top_k: int) -> None:
    """Raise WrongAnswer where search results do not keep the contract."""
    scores = [hit["score"] for hit in found["search_results"]]
    expect(1 <= len(scores) <= top_k, f"{len(scores)} results")
    expect(all(0 <= score <= 1 for score in scores), "a score is no probability")


def check_conversations(page: dict[str, Any]) -> None:
    """Raise WrongAnswer where a list of conversations is not newest first, or too long."""
    times = [item["created_at"] for item in page["conversations"]]
    expect(len(times) <= 20, f"{len(times)} conversations")
    expect(times == sorted(times, reverse=True), "not newest first")


def check_found(found: dict[str, Any]) -> None:
    """Raise WrongAnswer where conversations that were found are not best first."""
    scores = [match["score"] for match in found["matches"]]
    expect(scores == sorted(scores, reverse=True), "not best first")


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a stream as (name, data), pings left out."""
    events = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if fields.get("event") != "ping":
            events.append((fields["event"], json.loads(fields["data"])))
    return events


def check_stream(text: str, question: str) -> None:
    """Raise WrongAnswer where a stream does not begin with evidence and end with the answer it told."""
    events = events_of(text)
    names = [name for name, _ in events]
    expect(names[0] == "search_results", f"begins with {names[0]}")
    expect(names[-1] == "final_answer", f"ends with {names[-1]}")
    told = "".join(data["delta"] for name, data in events if name == "message")
    final = events[-1][1]
    expect(told.strip() == final["response"].strip(), "the pieces are not the answer")
    check_answer(final, question)


class Employee(HttpUser):
    """Somebody with a problem, who reads what the service says before asking on."""

    weight = 20
    wait_time = between(1, 5)

    @task(6)
    def popular(self) -> None:
        """Ask what many ask: mostly answered from the cache."""
        self._ask(random.choices(FAVOURITES, SHARES)[0], "chat, popular")  # noqa: S311 - no secret

    @task(6)
    def fresh(self) -> None:
        """Ask what few ask."""
        self._ask(random.choice(FRESH), "chat, fresh")  # noqa: S311 - no secret

    @task(2)
    def follow_up(self) -> None:
        """Ask, and ask on in the same conversation."""
        row = random.choice(FOLLOW_UPS)  # noqa: S311 - no secret
        first = next(turn["content"] for turn in row["history"] if turn["role"] == "user")
        answer = self._ask(first, "chat, first of two")
        if answer:
            self._ask(row["question"], "chat, follow-up", conversation_id=answer["conversation_id"])

    @task(3)
    def look_around(self) -> None:
        """Search without wanting an answer."""
        top_k = random.choice((4, 4, 4, 10))  # noqa: S311 - no secret
        body = {"query": random.choice(FRESH), "top_k": top_k}  # noqa: S311 - no secret
        self._post("/search", body, "search", lambda text: check_search(json.loads(text), top_k))

    @task(3)
    def watch(self) -> None:
        """Ask as the chat page does, and read the answer as it comes."""
        question = random.choice(FRESH)  # noqa: S311 - no secret
        body = {"query": question, "stream": True}
        self._post("/chat/", body, "chat, streamed", lambda text: check_stream(text, question))

    @task(2)
    def remember(self) -> None:
        """Look up what was said before: the newest conversations, and those with a word in them."""
        self._get("/conversations?limit=20", "conversations", check_conversations)
        word = random.choice(("vpn", "printer", "password", "outlook"))  # noqa: S311 - no secret
        self._get(f"/conversations/search?q={word}", "conversations, search", check_found)

    def _get(self, path: str, name: str, check: Any) -> None:
        with self.client.get(API + path, name=name, catch_response=True) as response:
            try:
                expect(response.status_code == 200, f"status {response.status_code}")
                check(response.json())
            except (WrongAnswer, KeyError, TypeError, ValueError) as error:
                response.failure(f"{type(error).__name__}: {error}")

    def _ask(self, question: str, name: str, **more: str) -> dict[str, Any]:
        """Ask and return the answer, empty where it was a failure."""
        answer: dict[str, Any] = {}

        def check(text: str) -> None:
            answer.update(json.loads(text))
            check_answer(answer, question)

        return answer if self._post("/chat/", {"query": question, **more}, name, check) else {}

    def _post(self, path: str, body: dict[str, Any], name: str, check: Any) -> bool:
        with self.client.post(API + path, json=body, name=name, catch_response=True) as response:
            try:
                expect(response.status_code == 200, f"status {response.status_code}")
                check(response.text)
            except (WrongAnswer, KeyError, TypeError, ValueError) as error:
                response.failure(f"{type(error).__name__}: {error}")
                return False
        return True


class LoadBalancer(HttpUser):
    """Asks whether the service is ready, every other second."""

    fixed_count = 1
    wait_time = between(2, 2)

    @task
    def ready(self) -> None:
        """Expect a usable service."""
        with self.client.get("/readyz", name="readyz", catch_response=True) as response:
            try:
                expect(response.status_code == 200, f"status {response.status_code}")
                expect(response.json()["status"] in {"ok", "degraded"}, "not usable")
            except (WrongAnswer, KeyError, TypeError, ValueError) as error:
                response.failure(f"{type(error).__name__}: {error}")
