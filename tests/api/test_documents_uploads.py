"""Whatever is uploaded: bounded, in the shape of all errors, and its names are only data."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from document_app import BASE, Serving, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.requests import Request

from app.api import uploads
from app.api.document_inputs import JsonDocument

NAUGHTY = Path(__file__).parents[2].parent / "shared/eval/naughty/blns.jsonl"
BOUNDARY = "multipart/form-data; boundary=b"
NAMES = [
    "../../etc/passwd.md", "..\\..\\boot.md", "/abs/a.md", "C:\\a.md", "\\\\host\\share\\a.md", "a\0b.md", "..", ".",
    "con.md", "a.md\r\nX: y", "\u202egpj.md", "..%2f..%2fa.md", "a" * 4000 + ".md", "\ufeff.md", "ä\u0308.md", ".md",
    " .md", "a.md.", "-rf.md", "$(id).md", "<img src=x>.md", "a;b.md", "{{7*7}}.md", "%00.md", "\u200b.md", "a.MD",
]  # fmt: skip


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Return one application for all that leaves nothing behind."""
    with serving(tmp_path_factory.mktemp("shared") / "state") as found:
        yield found


def part(name: str, content: bytes, field: str = "files") -> bytes:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8", "replace")
    head = b'--b\r\nContent-Disposition: form-data; name="' + field.encode() + b'"; filename="' + escaped + b'"\r\n\r\n'
    return head + content + b"\r\n"


def post(at: Serving, body: bytes, content_type: str = BOUNDARY) -> Any:
    reply = at.client.post(BASE, content=body, headers={"Content-Type": content_type})
    assert reply.status_code in {202, 400, 409, 413, 415}, reply.text
    if reply.status_code != 202:
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["request_id"]
    return reply


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_is_only_ever_data(shared: Serving, name: str) -> None:
    outside = {path.name for path in shared.place.root.parent.iterdir()}
    content = f"text of {name!r}".encode()[:900]
    reply = post(shared, part(name, content) + b"--b--\r\n")
    if reply.status_code == 202:
        document = reply.json()["documents"][0]["document"]
        shared.finished(reply.json()["job"])
        assert 1 <= len(document["name"]) <= 255
        assert document["name"].isprintable()
        assert not {"/", "\\"} & set(document["name"])
        assert shared.client.get(f"{BASE}/{document['id']}/content").content == content
        assert shared.client.delete(f"{BASE}/{document['id']}", params={"wait": True}).status_code == 204
    assert {path.name for path in shared.place.root.parent.iterdir()} == outside
    assert shared.place.raw() == []


TYPES = {
    "text/plain": 415, "application/json; charset=latin-1": 415, "application/xml": 415,
    "multipart/mixed; boundary=b": 415, "multipart/form-data": 415,
    "application/x-www-form-urlencoded": 415, "": 415,
    "multipart/form-data; boundary=": 415,
    "application/json": 400, "multipart/form-data; boundary=b": 400, "multipart/form-data; boundary=other": 400,
}  # fmt: skip


@pytest.mark.parametrize(("content_type", "status"), TYPES.items())
def test_the_content_type_is_checked(shared: Serving, content_type: str, status: int) -> None:
    assert post(shared, b"--b\r\n", content_type).status_code == status


BODIES = {
    "no parts": b"--b--\r\n",
    "a field that is not known": b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n',
    "a mapping that is none": b'--b\r\nContent-Disposition: form-data; name="mapping"\r\n\r\n=\r\n'
    + part("a.md", b"x")
    + b"--b--",
    "no disposition": b"--b\r\nX: y\r\n\r\n1\r\n--b--\r\n",
    "a long field": b'--b\r\nContent-Disposition: form-data; name="mapping"\r\n\r\n' + b"x" * 9000 + b"\r\n--b--\r\n",
    "many fields": b'--b\r\nContent-Disposition: form-data; name="mapping"\r\n\r\nx\r\n' * 11 + b"--b--\r\n",
    "many files": b"".join(part(f"{n}.md", b"x") for n in range(101)) + b"--b--\r\n",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_form_that_is_none_is_refused_and_leaves_nothing(shared: Serving, kind: str) -> None:
    reply = post(shared, BODIES[kind])
    assert (reply.status_code, len(reply.json()["errors"])) == (400, 1)
    assert shared.place.raw() == []


def test_a_mapping_is_passed_on(at: Serving) -> None:
    field = b'--b\r\nContent-Disposition: form-data; name="mapping"\r\n\r\ntitle=Subject, text=Body+Notes\r\n'
    reply = post(at, field + part("t.csv", b"x") + b"--b--\r\n")
    at.finished(reply.json()["job"])
    [document] = at.place.indexer.found.values()
    assert document.metadata["category"] == "Subject"


def test_uploads_have_a_cap_of_their_own(tmp_path: Path) -> None:
    with serving(tmp_path, upload_bytes=64 * 1024) as at:
        assert (
            post(at, part("a.md", b"x" * 30_000) + b"--b--\r\n").json()["errors"][0]["message"].startswith("too_large")
        )
        assert post(at, b"x" * 65_537).status_code == 413

        def chunks() -> Iterator[bytes]:
            yield part("a.md", b"x" * 30_000)
            for _ in range(40):
                yield b"x" * 1024

        chunked = at.client.post(BASE, content=chunks(), headers={"Content-Type": BOUNDARY})
        assert chunked.status_code == 413
        other = at.client.post("/api/v1/documentsx", content=b"x" * 17_000)
        assert other.status_code == 413
        assert at.place.raw() == []


def test_json_has_a_bound_of_its_own(at: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_JSON", 100)
    assert post(at, b'{"documents": ["' + b"x" * 200, "application/json").status_code == 413


def test_a_disk_that_fills_up_while_a_file_arrives_is_said(at: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(code: int) -> Any:
        async def form(*_: object, **__: object) -> None:
            raise OSError(code, "no")

        return form

    monkeypatch.setattr(Request, "_get_form", full(errno.ENOSPC))
    reply = at.client.post(BASE, files={"files": ("a.md", b"x")})
    assert (reply.status_code, reply.json()["code"]) == (507, "disk_full")
    monkeypatch.setattr(Request, "_get_form", full(errno.EIO))
    assert at.client.post(BASE, files={"files": ("a.md", b"x")}).status_code == 500


JSON = [
    b"", b"[]", b"null", b"{}", b'{"documents": []}', b'{"documents": [{}]}', b"[" * 100_000, b'{"documents": 1e999}',
    b'{"documents": [{"title": "a", "text": "b", "extra": 1}]}', b'{"documents": [{"title": "a", "text": "\\u0000"}]}',
    b'{"documents": [{"title": " ", "text": "b"}]}', b'{"documents": [{"title": "a", "text": "\\ud800"}]}',
    b'{"documents": [{"title": "a", "text": "b", "id": "../x"}]}', b'{"documents": [{"title": 1, "text": 2}]}',
    b'{"documents": [{"title": "a", "text": "b", "metadata": {"own": "x"}}]}', b'{"documents": [{"title": "a"}]}',
]  # fmt: skip


@pytest.mark.parametrize("body", JSON, ids=lambda body: body[:30].decode())
def test_json_that_is_no_document_is_refused_by_its_field(shared: Serving, body: bytes) -> None:
    reply = post(shared, body, "application/json")
    assert (reply.status_code, bool(reply.json()["errors"])) == (400, True)


QUERIES = [
    {"limit": 0}, {"limit": 201}, {"cursor": -1}, {"cursor": 2**63}, {"state": "x"}, {"name": "x" * 256},
    {"metadata": "x"}, {"name": "a\0"}, {"metadata": [f"{n}:x" for n in range(6)]}, {"metadata": ":x"},
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_queries_are_bounded(shared: Serving, query: dict[str, Any]) -> None:
    assert shared.client.get(BASE, params=query).status_code == 400


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pattern=st.text(max_size=60), origin=st.text(max_size=60), meta=st.text(max_size=30))
def test_any_filter_is_answered(shared: Serving, pattern: str, origin: str, meta: str) -> None:
    reply = shared.client.get(BASE, params={"name": pattern, "origin": origin, "metadata": meta})
    assert reply.status_code in {200, 400}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from([BOUNDARY, "application/json", "multipart/form-data; boundary=\x7f"]),
)
def test_any_bytes_are_answered(at: Serving, body: bytes, kind: str) -> None:
    post(at, body, kind)


@pytest.mark.skipif(not NAUGHTY.is_file(), reason="the list of naughty strings is not here")
def test_every_naughty_string(at: Serving) -> None:
    texts = [json.loads(line)["text"] for line in NAUGHTY.read_text(encoding="utf-8").strip().split("\n")]
    assert len(texts) > 500
    for start in range(0, len(texts), 100):
        some = list(enumerate(texts))[start : start + 100]
        reply = post(at, b"".join(part(f"{text}.md", f"name {n}".encode()) for n, text in some) + b"--b--\r\n")
        assert len(reply.json()["documents"]) == len(some)
    documents = [
        {"title": text, "text": f"{text} {number}", "metadata": {"category": text[:300]}}
        for number, text in enumerate(texts)
    ]
    for document in documents[::25]:
        post(at, json.dumps({"documents": [document]}).encode(), "application/json")
        query = {"name": document["title"][:255], "limit": 1}
        assert at.client.get(BASE, params=query).status_code in {200, 400}
    visible = [one for one in documents if post_one_ok(one)]
    assert len(visible) > 450
    taken = post(at, json.dumps({"documents": visible}).encode(), "application/json")
    assert taken.status_code == 202
    job = at.finished(taken.json()["job"])
    assert job["failed"] == 0
    at.finished(at.client.get(f"{BASE}/jobs", params={"limit": 1}).json()["jobs"][0])


def post_one_ok(document: dict[str, Any]) -> bool:
    """Tell whether a document is one that may be sent."""
    try:
        JsonDocument.model_validate_json(json.dumps(document))
    except ValidationError:
        return False
    return True
