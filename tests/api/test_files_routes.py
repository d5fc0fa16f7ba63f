"""Files over HTTP: what is answered, what is refused and with which status, events, and who may see what."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import CONVERSATION, FakeSearch
from file_app import BASE, Server, serving
from starlette.testclient import TestClient

from app.api import file_examples
from app.api.file_parts import ChunkReport, FoundGroup, FoundTrace, KnownReport
from app.api.file_schemas import FileReport, StoredFile
from tests.file_builders import MEGA, log_text

LOG = log_text(10_000).encode() + b"2026-11-21 23:00:00,000 ERROR com.acme.Mail - AADSTS50058\n"
ADA = {"Authorization": "Bearer ada"}
EVE = {"Authorization": "Bearer eve"}


@pytest.fixture(scope="module")
def at() -> Iterator[tuple[TestClient, Server]]:
    with serving(most=MEGA) as found:
        yield found


@pytest.fixture
def client(at: tuple[TestClient, Server]) -> TestClient:
    return at[0]


def _post(client: TestClient, name: str = "mail.log", content: bytes = LOG, **given: Any) -> Any:
    headers = given.pop("headers", ADA)
    return client.post(BASE, files={"file": (name, content)}, data=given, headers=headers)


def test_an_analysis_has_the_shape_that_is_declared(client: TestClient) -> None:
    reply = _post(client, question="What is wrong?", language="en")
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert FileReport.model_validate(body).model_dump(mode="json") == body
    assert (body["kind"], body["name"], body["outcome"]) == ("log", "mail.log", "answered")
    assert body["groups"][0]["severity"] == "error"
    assert body["knowledge"][0]["citations"]
    assert body["answer"]["query"] == "What is wrong?"
    assert body["times"]["zone"] == "local"
    assert body["times"]["first"].startswith("2026-11-21T00:00:00")


@pytest.mark.parametrize("how", [{"stream": "true"}, {"headers": ADA | {"Accept": "text/event-stream"}}])
def test_progress_comes_as_events(client: TestClient, how: dict[str, Any]) -> None:
    reply = _post(client, content=log_text(400_000).encode(), **how)
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = re.findall(r"event: (\w+)\ndata: (.*)\n", reply.text)
    assert [name for name, _ in events[:-1]] == ["progress"] * (len(events) - 1)
    percents = [json.loads(data)["percent"] for _, data in events[:-1]]
    assert percents == sorted(percents)
    assert events[-1][0] == "analysis"
    assert FileReport.model_validate_json(events[-1][1]).persisted


def test_what_is_refused_at_once_has_its_status_also_where_events_were_asked_for(client: TestClient) -> None:
    assert _post(client, content=b"a\0b", stream="true").status_code == 415


def test_a_failure_later_is_an_event() -> None:
    with serving(search=FakeSearch(error=RuntimeError("a secret"))) as (client, _):
        # The first event has been sent by then.
        reply = _post(client, stream="true")
    assert reply.text.rstrip().rsplit("event: ", 1)[1].startswith("error\n")
    assert "a secret" not in reply.text


@pytest.mark.parametrize(
    ("name", "content", "status", "reason"),
    [
        ("a.log", b"x" * (MEGA + 1), 413, "too_large"),
        ("a.log", b"x" * (MEGA + 100_000), 413, "too_large"),
        ("a.log", b"", 400, "empty"),
        ("a.exe", b"text", 415, "unknown_format"),
        ("..%2fa.log", b"text", 400, "unsafe_name"),
        ("a.txt", b"%PDF-1.7\n", 415, "wrong_format"),
        ("a.docx", b"PK\x03\x04" + bytes(99), 400, "unreadable"),
        ("a.log", b"\x7fELF" + bytes(99), 415, "wrong_format"),
        ("a.log", b"text\0text", 415, "wrong_format"),
        ("a.txt", "größe ".encode() + "größe".encode("latin-1"), 400, "wrong_encoding"),
        ("a.json", b'{"a": ', 400, "unreadable"),
    ],
)
def test_refusals_name_their_reason(client: TestClient, name: str, content: bytes, status: int, reason: str) -> None:
    reply = _post(client, name, content)
    assert (reply.status_code, reply.json()["errors"][0]["message"].partition(":")[0]) == (status, reason)


@pytest.mark.parametrize(
    "given",
    [{"conversation_id": "x"}, {"language": "xx"}, {"question": "q" * 2001}, {"question": " "}, {"stream": "maybe"},
     {"other": "x"}, {"question": "q" * 20_000}, {"question": ["a", "b"]}],
)  # fmt: skip
def test_fields_are_bounded(client: TestClient, given: dict[str, Any]) -> None:
    assert _post(client, **given).status_code == 400


@pytest.mark.parametrize("name", ["C:\\\\x\\\\mail.log", "\\\\\\\\host\\\\share\\\\mail.log"])
def test_of_a_path_that_old_browsers_send_only_the_name_arrives(client: TestClient, name: str) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\nINFO x\r\n--b--\r\n' % name.encode()
    )
    reply = client.post(BASE, content=form, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert (reply.status_code, reply.json()["name"]) == (200, "mail.log")


def test_forms_that_are_none(client: TestClient) -> None:
    assert client.post(BASE, json={"file": "x"}).status_code == 415
    assert client.post(BASE, data={"question": "x"}, files={"other": ("a.log", LOG)}).status_code == 400
    two = [("file", ("a.log", LOG)), ("file", ("b.log", LOG))]
    assert client.post(BASE, files=two).status_code == 400
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert client.post(BASE, content=b"no form", headers=headers).status_code == 400


def test_empty_fields_are_fields_not_sent(client: TestClient) -> None:
    reply = _post(client, conversation_id="", question="", language="", stream="")
    assert (reply.status_code, reply.json()["answer"]) == (200, None)


def test_files_are_listed_and_taken_away_by_their_owner_alone(client: TestClient) -> None:
    body = _post(client).json()
    named = {"conversation_id": body["conversation_id"]}
    listed = client.get(BASE, params=named, headers=ADA).json()["files"]
    assert [StoredFile.model_validate(item).file_id for item in listed] == [body["file_id"]]
    foreign = client.get(BASE, params=named, headers=EVE)
    unknown = client.get(BASE, params={"conversation_id": CONVERSATION}, headers=EVE)
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    same = {"timestamp", "request_id"}
    assert {k: v for k, v in foreign.json().items() if k not in same} == {
        k: v for k, v in unknown.json().items() if k not in same
    }
    assert _post(client, headers=EVE, **named).status_code == 404
    path = f"{BASE}/{body['file_id']}"
    assert client.delete(path, params=named, headers=EVE).status_code == 404
    assert client.delete(f"{BASE}/{CONVERSATION}", params=named, headers=ADA).status_code == 404
    assert client.delete(path, params=named, headers=ADA).status_code == 204
    assert client.get(BASE, params=named, headers=ADA).json() == {"files": []}
    assert client.get(BASE, headers=ADA).status_code == 400
    assert client.get(BASE, params={"conversation_id": "x"}, headers=ADA).status_code == 400


def test_wrong_keys_and_pages_of_other_sites_are_refused(client: TestClient) -> None:
    assert _post(client, headers={"Authorization": "Bearer nobody"}).status_code == 401
    cookie = {"Cookie": "itsupport_session=ada"}
    assert _post(client, headers=cookie | {"Origin": "https://evil.example"}).status_code == 403
    assert _post(client, headers=cookie | {"Origin": "http://localhost:8000"}).status_code == 200


def test_the_document_describes_the_form_and_its_examples_are_valid(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"][BASE]["post"]
    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(form["properties"]) == {"file", "conversation_id", "question", "language", "stream"}
    assert {"200", "400", "413", "415", "503", "504"} <= set(operation["responses"])
    assert "422" not in operation["responses"]
    for model, example in (
        (FileReport, file_examples.ANALYSIS), (FoundGroup, file_examples.GROUP), (FoundTrace, file_examples.TRACE),
        (ChunkReport, file_examples.CHUNK), (KnownReport, file_examples.KNOWN), (StoredFile, file_examples.STORED),
    ):  # fmt: skip
        assert model.model_validate(example).model_dump(mode="json").keys() == example.keys()
