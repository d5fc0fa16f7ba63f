import json
import re
from typing import Any

import pytest
from fakes import FakeHealth, Fakes, application, serving
from starlette.testclient import TestClient

from app import __version__
from app.api.system import WEB
from app.domain.health import Condition

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
REPORTS = ["/health", "/readyz", "/api/v1/chat/health"]


PROGRAMS = ["*/*", "application/json", "", "text/html;q=0", "application/json, text/html;q=0.5", "text/*", "x;;q=,"]


@pytest.mark.parametrize("accept", PROGRAMS)
def test_programs_get_the_status(accept: str) -> None:
    with serving(project_name="Help") as client:
        reply = client.get("/", headers={"Accept": accept})
    assert reply.json() == {
        "status": "ok",
        "name": "Help",
        "version": __version__,
        "api": "/api/v1",
        "docs": "/docs",
        "health": "/health",
    }
    assert reply.headers["vary"] == "Accept"


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "TEXT/HTML; charset=utf-8", "text/html, application/json"])
def test_browsers_get_the_page(accept: str) -> None:
    with serving(project_name="Help & <b>Care</b>") as client:
        reply = client.get("/", headers={"Accept": accept})
    assert reply.headers["content-type"].startswith("text/html")
    assert reply.headers["vary"] == "Accept"
    assert "<title>Help &amp; &lt;b&gt;Care&lt;/b&gt;</title>" in reply.text
    assert 'data-api="/api/v1"' in reply.text


def test_everything_the_page_names_is_there() -> None:
    with serving() as client:
        page = client.get("/", headers={"Accept": BROWSER}).text
        named = re.findall(r'(?:src|href)="([^"#]+)"', page)
        assert len(named) >= 4
        for address in named:
            assert address.startswith("/")
            assert client.get(address).status_code == 200, address


def test_the_page_works_below_another_path() -> None:
    with TestClient(application(Fakes()), root_path="/help") as client:
        page = client.get("/", headers={"Accept": BROWSER}).text
        assert client.get("/help/health/").status_code == 200
        assert client.get("/").json()["docs"] == "/help/docs"
    assert 'data-api="/help/api/v1"' in page
    assert 'href="/help/static/chat.css' in page


@pytest.mark.parametrize("path", sorted(WEB.rglob("*.*")), ids=lambda path: path.name)
def test_the_pages_have_no_inline_script_and_nothing_from_elsewhere(path: Any) -> None:
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|javascript:|style=", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|DOMParser", text)
    addresses = set(re.findall(r"https?://[^\s\"')]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_alive_asks_nobody() -> None:
    fakes = Fakes(health=FakeHealth(Condition.UNAVAILABLE))
    with serving(fakes) as client:
        reply = client.get("/livez")
    assert (reply.status_code, reply.json()) == (200, {"status": "alive"})
    assert fakes.health.asked == 0


@pytest.mark.parametrize("path", REPORTS)
@pytest.mark.parametrize("condition", [Condition.OK, Condition.DEGRADED])
def test_a_usable_service_reports(path: str, condition: Condition) -> None:
    with serving(Fakes(health=FakeHealth(condition))) as client:
        reply = client.get(path)
    body = reply.json()
    assert reply.status_code == 200
    assert (body["status"], body["name"], body["version"]) == (condition, "IT Support", __version__)
    assert body["checks"] == [
        {"name": "index", "status": condition, "detail": "2 passages", "vital": True},
        {"name": "model", "status": "ok", "detail": "extract", "vital": False},
    ]
    assert body["timestamp"].endswith("Z")
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", REPORTS)
@pytest.mark.parametrize("condition", [Condition.LOADING, Condition.UNAVAILABLE])
def test_an_unusable_service_is_a_problem_with_its_checks(path: str, condition: Condition) -> None:
    with serving(Fakes(health=FakeHealth(condition))) as client:
        reply = client.get(path)
    body = reply.json()
    assert (reply.status_code, body["code"], body["instance"]) == (503, "not_ready", path)
    assert reply.headers["content-type"] == "application/problem+json"
    assert int(reply.headers["retry-after"]) >= 1
    assert body["checks"][0]["status"] == condition


def test_a_service_becomes_ready_and_unready() -> None:
    fakes = Fakes(health=FakeHealth(Condition.LOADING))
    with serving(fakes) as client:
        seen = []
        for condition in (Condition.LOADING, Condition.OK, Condition.UNAVAILABLE, Condition.DEGRADED):
            fakes.health.condition = condition
            seen.append(client.get("/readyz").status_code)
    assert seen == [503, 200, 503, 200]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_the_documentation_needs_no_internet(path: str) -> None:
    with serving() as client:
        page = client.get(path).text
        assert not re.search(r"(?:https?:)?//[\w.-]+\.\w", page)
        for address in re.findall(r'(?:src|href)="([^"]+)"', page):
            reply = client.get(address)
            assert reply.status_code == 200, address
            assert len(reply.content) > 1000
    assert '"validatorUrl": null' in page or path != "/docs"
    assert json.dumps("/openapi.json") in page or "openapi.json" in page or path == "/docs/oauth2-redirect"
