import logging

import pytest
from fakes import Fakes, serving
from starlette.exceptions import HTTPException

from app.api.problems import kind_of, problem_of
from app.errors import (
    DeadlineExceeded,
    DependencyFailed,
    GenerationFailed,
    IndexCorrupt,
    InvalidInput,
    NotFound,
    NotReady,
    Overloaded,
    ServiceError,
    StoreFailed,
)

CHAT = "/api/v1/chat/"
SHAPE = {
    "type", "title", "status", "detail", "instance", "error", "timestamp", "code", "request_id", "errors",
}  # fmt: skip
SECRET = "/srv/db.internal:5432 password=hunter2"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidInput("query", "must be a question"), 400, "invalid_input"),
        (NotFound(SECRET), 404, "not_found"),
        (Overloaded(SECRET, 2.2), 503, "overloaded"),
        (NotReady(SECRET), 503, "not_ready"),
        (DeadlineExceeded(SECRET), 504, "deadline_exceeded"),
        (DependencyFailed("x", SECRET), 503, "dependency_failed"),
        (GenerationFailed("x", SECRET), 503, "generation_failed"),
        (StoreFailed("x", SECRET), 503, "store_failed"),
        (IndexCorrupt(SECRET), 500, "internal"),
        (ServiceError(SECRET), 500, "internal"),
        (RuntimeError(SECRET), 500, "internal"),
        (RecursionError(SECRET), 500, "internal"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_every_error_has_its_status_and_tells_nothing(error: Exception, status: int, code: str, stream: bool) -> None:
    fakes = Fakes()
    fakes.chat.error = error
    with serving(fakes) as client:
        reply = client.post(CHAT, json={"query": "why?", "stream": stream})
    body = reply.json()
    assert (reply.status_code, body["code"], body["status"]) == (status, code, status)
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    assert set(body) == SHAPE
    assert body["error"] == body["title"]
    assert body["instance"] == CHAT
    assert body["timestamp"].endswith("Z")
    assert body["request_id"] == reply.headers["x-request-id"]
    assert "hunter2" not in reply.text
    assert "Traceback" not in reply.text
    assert ("retry-after" in reply.headers) == (status == 503)


def test_retry_after_is_rounded_up_and_at_least_a_second() -> None:
    fakes = Fakes()
    with serving(fakes) as client:
        for seconds, told in ((2.2, "3"), (0.0, "1"), (30.0, "30")):
            fakes.search.error = Overloaded("search", seconds)
            assert client.post("/api/v1/search", json={"query": "x"}).headers["retry-after"] == told


def test_invalid_input_from_the_services_names_the_field() -> None:
    fakes = Fakes()
    fakes.chat.error = InvalidInput("filters", "at most 3 of them")
    with serving(fakes) as client:
        body = client.post(CHAT, json={"query": "x"}).json()
    assert body["errors"] == [{"field": "filters", "message": "at most 3 of them", "limit": None}]


def test_failures_of_ours_are_logged_with_their_cause(caplog: pytest.LogCaptureFixture) -> None:
    fakes = Fakes()
    with serving(fakes) as client, caplog.at_level(logging.WARNING):
        fakes.chat.error = RuntimeError("boom")
        client.post(CHAT, json={"query": "x"})
        fakes.chat.error = DependencyFailed("index", "gone")
        client.post(CHAT, json={"query": "x"})
    unexpected, failed = (record for record in caplog.records if record.name == "app.problems")
    assert unexpected.exc_info is not None
    assert str(unexpected.exc_info[1]) == "boom"
    assert vars(failed)["error"] == "index: gone"
    assert failed.exc_info is None


def test_the_service_goes_on_after_an_unexpected_error() -> None:
    fakes = Fakes()
    fakes.chat.error = RuntimeError("boom")
    with serving(fakes) as client:
        assert client.post(CHAT, json={"query": "x"}).status_code == 500
        fakes.chat.error = None
        assert client.post(CHAT, json={"query": "x"}).status_code == 200


def test_unknown_statuses_have_a_phrase_or_are_internal() -> None:
    assert kind_of(HTTPException(409)).title == "Conflict"
    assert kind_of(HTTPException(409)).code == "conflict"
    assert kind_of(HTTPException(777)).status == 500


def test_the_instance_is_encoded_and_bounded() -> None:
    problem = problem_of(HTTPException(404), "/a\r\nb<script>é" + "x" * 5000)
    assert problem.instance.startswith("/a%0D%0Ab%3Cscript%3E%C3%A9")
    assert len(problem.instance) == 200
