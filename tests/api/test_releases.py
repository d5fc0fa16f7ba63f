"""The routes of index releases, over releases in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes import Fakes, application
from starlette.testclient import TestClient

from tests.builders import ListSource, document, keeper

BASE = "/api/v1/releases"


@contextmanager
def serving(root: Path, key: str | None = None) -> Iterator[TestClient]:
    """Serve a folder with two releases, the second with one document more."""
    source = ListSource([document("printer", "Restart the spooler.", title="Printer")])
    made, _ = keeper(root, source)
    app = application(Fakes(releases=made), admin_key=key)
    with TestClient(app, base_url="http://localhost:8000") as client:
        assert client.portal is not None
        client.portal.call(made.start)
        source.held.append(document("vpn", "Open port 500.", title="VPN"))
        source.version = "2"
        client.portal.call(made.refresh)
        yield client


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with serving(tmp_path) as opened:
        yield opened


def names(client: TestClient) -> list[str]:
    return [item["release"] for item in client.get(BASE).json()["releases"]]


def test_releases_are_listed_newest_first(client: TestClient) -> None:
    listed = client.get(f"{BASE}/").json()["releases"]
    assert [(item["documents"], item["embedded"], item["current"]) for item in listed] == [(2, 1, True), (1, 1, False)]
    assert listed[0]["index_type"] == "IndexFlatIP"


def test_the_last_two_are_compared_or_any_two(client: TestClient) -> None:
    new, old = names(client)
    compared = client.get(f"{BASE}/diff").json()
    assert (compared["old"], compared["new"], compared["added"], compared["removed"]) == (old, new, ["vpn"], [])
    back = client.get(f"{BASE}/diff", params={"old": new, "new": old}).json()
    assert (back["added"], back["removed"]) == ([], ["vpn"])


def test_going_back_and_forth(client: TestClient) -> None:
    new, old = names(client)
    assert client.post(f"{BASE}/rollback").json()["release"] == old
    assert client.post(f"{BASE}/{new}/activate").json()["current"] is True
    assert client.get(BASE).json()["releases"][0]["current"] is True


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/20260301T120000Z-0123456789ab/activate", 404),
        ("POST", "/..%2f..%2fetc/activate", 404),
        ("POST", "/nothing/activate", 400),
        ("GET", "/diff?old=nothing", 400),
        ("GET", "/diff?old=20260301T120000Z-0123456789ab", 404),
    ],
)
def test_a_release_that_is_not_there_is_a_problem(client: TestClient, method: str, path: str, status: int) -> None:
    reply = client.request(method, BASE + path)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")


def test_without_the_key_nothing_is_told_or_done(tmp_path: Path) -> None:
    with serving(tmp_path, "k" * 32) as client:
        for method, path in (("GET", ""), ("GET", "/diff"), ("POST", "/rollback")):
            assert client.request(method, BASE + path).status_code == 401
        allowed = client.get(BASE, headers={"Authorization": f"Bearer {'k' * 32}"})
        assert allowed.json()["releases"][0]["current"] is True
