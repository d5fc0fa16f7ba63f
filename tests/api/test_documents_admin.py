"""Who may touch the knowledge base, and that nothing happens for who may not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from document_app import BASE, application, serving
from starlette.testclient import TestClient

from app.api.admin import AdminRules

KEY = "k" * 40
ID = "0d5ed7a3-6b1c-4a52-8f0e-3a4f6c0b7d11"
OPERATIONS = [
    (method.upper(), path.replace("{document_id}", ID).replace("{job_id}", ID))
    for path, operations in application().openapi()["paths"].items()
    for method in operations
]


def test_every_operation_asks_for_the_key_before_the_body_is_read(tmp_path: Path) -> None:
    read: list[int] = []

    def body() -> Iterator[bytes]:
        read.append(1)
        yield b"x"

    assert len(OPERATIONS) >= 12
    with serving(tmp_path, AdminRules(KEY, loopback=True)) as at:
        for method, path in OPERATIONS:
            for given in ("", "Bearer", f"Bearer {KEY}x", f"Basic {KEY}", "Bearer ä"):
                headers = [(b"Authorization", given.encode("latin-1"))] if given else []
                content = body() if method in {"POST", "PUT"} else None
                reply = at.client.request(method, path, content=content, headers=headers)
                assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
                assert reply.json()["code"] == "not_identified"
        assert (read, at.place.catalogue.records.jobs(0, 9)) == ([], ((), 0))


def test_the_key_opens(tmp_path: Path) -> None:
    with serving(tmp_path, AdminRules(KEY, loopback=False)) as at:
        for scheme in ("Bearer", "bearer"):
            headers = {"Authorization": f"{scheme} {KEY}", "Host": "help.example.com"}
            assert at.client.get(BASE, headers=headers).status_code == 200
        twice = [("Authorization", f"Bearer {KEY}"), ("Authorization", f"Bearer {KEY}")]
        assert at.client.get(BASE, headers=twice).status_code == 401


def test_without_a_key_only_this_machine_may(tmp_path: Path) -> None:
    with serving(tmp_path, AdminRules(None, loopback=False)) as at:
        reply = at.client.get(BASE)
        assert (reply.status_code, reply.json()["code"]) == (403, "not_allowed")
        assert "ADMIN_KEY" in reply.json()["detail"]


HOSTS = {
    "localhost": 200, "localhost:8000": 200, "127.0.0.1:9": 200, "127.9.9.9": 200, "[::1]:8000": 200, "LOCALHOST": 200,
    "example.com": 403, "localhost.example.com": 403, "127.0.0.1.example.com": 403, "10.0.0.1": 403, "": 403,
    "user@localhost": 403, "localhost/x": 403, "[::1": 403, "localhost:port": 403, "2130706433": 403, "0.0.0.0": 403,
}  # fmt: skip


def test_a_name_that_could_be_made_to_point_here_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as at:
        found = {host: at.client.get(BASE, headers={"Host": host}).status_code for host in HOSTS}
    assert found == HOSTS


ORIGINS = {
    "http://localhost:8000": 200, "https://localhost:8000": 200, "http://desk.example.com": 200,
    "null": 403, "": 403, "http://localhost": 403, "http://localhost:8001": 403, "http://localhost:8000.evil.com": 403,
    "http://evil.com": 403, "http://desk.example.com.evil.com": 403, "http://desk.example.com:81": 403,
    "http://localhost:8000@evil.com": 403, "http://evil.com#localhost:8000": 403, "http://localhost:8000/x": 403,
    "ftp://localhost:8000": 403, "http://": 403, "http://[": 403, "file://": 403, "https://desk.example.com": 403,
    "http://127.0.0.1:8000": 403, "localhost:8000": 403, "http://evil.com?http://localhost:8000": 403,
}  # fmt: skip


@pytest.mark.parametrize("key", [None, KEY])
def test_pages_of_other_sites_are_refused(tmp_path: Path, key: str | None) -> None:
    with serving(tmp_path, AdminRules(key, loopback=True, origins=frozenset({"http://desk.example.com"}))) as at:
        for origin, status in ORIGINS.items():
            headers = {"Host": "localhost:8000", "Origin": origin, "Authorization": f"Bearer {KEY}"}
            assert at.client.get(BASE, headers=headers).status_code == status, origin
            reply = at.client.post(BASE, files={"files": ("a.md", origin.encode())}, headers=headers)
            assert reply.status_code == (202 if status == 200 else 403), origin
        assert len(at.place.raw()) == list(ORIGINS.values()).count(200)


def test_a_default_port_is_the_same_origin(tmp_path: Path) -> None:
    with serving(tmp_path, AdminRules(KEY, loopback=False)) as at:
        client: TestClient = at.client
        for host, origin in (
            ("help.example.com", "https://help.example.com:443"),
            ("help.example.com:80", "http://help.example.com"),
        ):
            headers = {"Host": host, "Origin": origin, "Authorization": f"Bearer {KEY}"}
            assert client.get(BASE, headers=headers).status_code == 200
