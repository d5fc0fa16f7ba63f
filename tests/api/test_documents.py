"""Documents over HTTP: in, listed, got, replaced, deleted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from document_app import BASE, Serving, serving

from app.errors import IndexCorrupt
from app.ports.documents import DiskFull

PROBLEM = {"type", "title", "status", "detail", "instance", "error", "timestamp", "code", "request_id", "errors"}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as found:
        yield found


def test_files_are_taken_in_and_ready_when_the_job_is_done(at: Serving) -> None:
    files = [("files", ("a.md", b"one")), ("files", ("b.txt", b"two")), ("files", ("c.exe", b"MZ"))]
    reply = at.client.post(f"{BASE}/", files=files)
    assert reply.status_code == 202
    body = reply.json()
    assert [outcome["result"] for outcome in body["documents"]] == ["added", "added", "refused"]
    assert body["documents"][2]["reason"] == "unknown_format"
    assert reply.headers["location"] == f"{BASE}/jobs/{body['job']['id']}"
    job = at.finished(body["job"])
    assert (job["state"], job["percent"], job["done"], job["eta_seconds"]) == ("done", 100.0, 2, 0)
    assert at.place.indexer.texts() == ["one", "two"]
    listed = at.client.get(BASE, params={"state": "ready"}).json()
    assert [document["name"] for document in listed["documents"]] == ["b.txt", "a.md"]


def test_a_thousand_documents_as_json(at: Serving) -> None:
    documents = [{"title": f"Printer {n}", "text": f"text {n}", "metadata": {"platform": ["any"]}} for n in range(1000)]
    reply = at.client.post(BASE, json={"documents": documents})
    assert reply.status_code == 202, reply.text
    assert at.finished(reply.json()["job"])["done"] == 1000
    found = next(iter(at.place.indexer.found.values()))
    assert (found.title, found.metadata, found.language) == ("Printer 0", {"platform": ("any",)}, "en")
    assert at.place.extractor.read == []


def test_an_id_of_one_s_own_is_taken_once(at: Serving) -> None:
    one = {"documents": [{"id": "kb-1", "title": "TCP/IP basics", "text": "one", "language": "de"}]}
    first = at.client.post(BASE, json=one).json()["documents"][0]["document"]
    assert (first["origin"], first["name"]) == ("api/kb-1", "TCP/IP basics")
    again = at.client.post(BASE, json={"documents": [{"id": "kb-1", "title": "b", "text": "other"}]})
    assert (again.status_code, again.json()["existing"]) == (409, first["id"])


def test_a_duplicate_is_a_conflict_that_names_the_document(at: Serving) -> None:
    there = at.added("text")
    reply = at.client.post(BASE, files={"files": ("b.md", b"text")})
    body = reply.json()
    assert (reply.status_code, body["code"], body["existing"]) == (409, "conflict", there)
    assert set(body) == PROBLEM | {"existing"}
    assert there in body["errors"][0]["message"]


REFUSED = {
    "too large": ([("a.md", b"x" * 1001)], 413),
    "not read": ([("a.exe", b"x")], 415),
    "empty": ([("a.md", b"")], 400),
    "all sorts": ([("a.exe", b"x"), ("a.md", b"")], 400),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_request_of_which_all_is_refused_is_a_problem(at: Serving, kind: str) -> None:
    files, status = REFUSED[kind]
    reply = at.client.post(BASE, files=[("files", file) for file in files])
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert (set(reply.json()), reply.json()["status"]) == (PROBLEM, status)
    assert [error["field"] for error in reply.json()["errors"]] == [f"documents.{n}" for n in range(len(files))]
    assert at.place.raw() == []


def test_a_document_is_got_with_its_content(at: Serving) -> None:
    document = at.added("text", "b;ä.md")
    reply = at.client.get(f"{BASE}/{document}/")
    assert (reply.headers["etag"], reply.json()["state"]) == ('"1"', "ready")
    assert reply.json()["titles"] == ["b;ä.md 0"]
    content = at.client.get(f"{BASE}/{document}/content")
    assert content.content == b"text"
    assert content.headers["content-type"] == "application/octet-stream"
    assert content.headers["content-disposition"] == "attachment; filename*=UTF-8''b%3B%C3%A4.md"
    assert content.headers["x-content-type-options"] == "nosniff"
    assert at.client.get(f"{BASE}/{'0' * 8}-0000-4000-8000-{'0' * 12}").status_code == 404
    assert at.client.get(f"{BASE}/no-uuid").status_code == 400


def test_a_document_is_replaced_if_its_revision_matches(at: Serving) -> None:
    document = at.added("old")
    put = f"{BASE}/{document}"
    stale = at.client.put(put, files={"files": ("a.md", b"new")}, headers={"If-Match": '"4"'})
    assert (stale.status_code, stale.json()["existing"]) == (409, document)
    wrong = at.client.put(put, files={"files": ("a.md", b"new")}, headers={"If-Match": "abc"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "If-Match")
    same = at.client.put(put, files={"files": ("a.md", b"old")}, headers={"If-Match": "*"})
    assert (same.status_code, same.json()["job"]) == (200, None)
    fresh = at.client.put(put, json={"title": "New", "text": "new"}, headers={"If-Match": '"1"'})
    assert fresh.status_code == 202, fresh.text
    at.finished(fresh.json()["job"])
    assert at.client.get(put).json()["revision"] == 2
    assert at.place.indexer.texts() == ["new"]
    two = [("files", ("a.md", b"1")), ("files", ("b.md", b"2"))]
    assert at.client.put(put, files=two).status_code == 400


def test_a_document_is_deleted(at: Serving) -> None:
    document, other = at.added("one"), at.added("two", "b.md")
    assert at.client.delete(f"{BASE}/{document}", params={"wait": True}).status_code == 204
    assert at.place.indexer.texts() == ["two"]
    later = at.client.delete(f"{BASE}/{other}")
    assert (later.status_code, later.json()["kind"]) == (202, "delete")
    assert at.finished(later.json())["state"] == "done"
    assert at.client.delete(f"{BASE}/{document}").status_code == 404


def test_documents_are_deleted_by_filter(at: Serving) -> None:
    for text in ("one", "two"):
        at.added(text, f"{text}.md")
    at.added("three", "three.txt")
    assert at.client.delete(BASE).status_code == 400
    assert at.client.delete(BASE, params={"metadata": "category"}).status_code == 400
    none = at.client.delete(BASE, params={"name": "*.pdf"})
    assert (none.status_code, none.json()) == (200, {"job": None, "deleted": 0})
    gone = at.client.delete(BASE, params={"name": "*.md", "state": "ready", "wait": True})
    assert (gone.status_code, gone.json()["deleted"]) == (200, 2)
    assert at.place.indexer.texts() == ["three"]
    rest = at.client.delete(BASE, params={"metadata": ["category:none", "platform:any"], "origin": "api", "wait": True})
    assert rest.json()["deleted"] == 1


def test_a_deletion_that_fails_is_told(at: Serving) -> None:
    document = at.added("one")
    at.place.indexer.error = IndexCorrupt("/secret")
    reply = at.client.delete(f"{BASE}/{document}", params={"wait": True})
    assert (reply.status_code, "secret" in reply.text) == (503, False)


def test_lists_come_in_pages(at: Serving) -> None:
    documents = [{"title": f"{n}", "text": f"text {n}", "metadata": {"category": "vpn"}} for n in range(7)]
    at.finished(at.client.post(BASE, json={"documents": documents}).json()["job"])
    for query in ({}, {"metadata": "category:vpn"}, {"name": "?"}):
        names: list[str] = []
        cursor: int | None = 0
        pages = 0
        while cursor is not None:
            page = at.client.get(BASE, params={"limit": 3, "cursor": cursor, **query}).json()
            names += [document["name"] for document in page["documents"]]
            cursor, pages = page["next_cursor"], pages + 1
            assert page["total"] == 7
        assert (names, pages) == ([str(n) for n in range(6, -1, -1)], 3)


def test_a_full_disk_is_said_and_leaves_nothing(at: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise DiskFull("documents")

    monkeypatch.setattr(at.place.catalogue.raw, "settle", full)
    reply = at.client.post(BASE, files={"files": ("a.md", b"text")})
    assert (reply.status_code, reply.json()["code"]) == (507, "disk_full")
    assert at.place.raw() == []
    monkeypatch.undo()
    assert at.added("text")
