import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakes import Fakes, application, serving
from starlette.testclient import TestClient

from app import __version__, logs
from app.adapters.stores.memory_store import MemoryStore
from app.application import create_app
from app.config import Settings
from app.errors import DependencyUnreachable, SettingsInvalid
from app.logs import LogPlan
from app.services.bundle import Services


def test_services_are_open_while_the_application_runs() -> None:
    fakes = Fakes()
    with serving(fakes) as client:
        assert client.get("/readyz").status_code == 200
        assert (fakes.opened, fakes.closed) == (1, 0)
    assert (fakes.opened, fakes.closed) == (1, 1)


def test_services_are_not_opened_when_the_application_is_built() -> None:
    fakes = Fakes()
    application(fakes)
    assert fakes.opened == 0


def test_a_refused_start_is_logged_with_its_remedy_and_stops(caplog: pytest.LogCaptureFixture) -> None:
    class Refusing(Fakes):
        @asynccontextmanager
        async def open(self, given: Settings) -> AsyncIterator[Services]:
            if given.service.port:
                raise DependencyUnreachable("REDIS_URL", "nobody answers")
            yield Services(self.chat, self.search, self.health, MemoryStore())

    app = application(Refusing())
    with pytest.raises(DependencyUnreachable), caplog.at_level(logging.INFO):
        TestClient(app).__enter__()
    (refused,) = (vars(record) for record in caplog.records if record.message == "start_refused")
    assert (refused["code"], refused["levelno"]) == ("dependency_unreachable", logging.CRITICAL)
    assert "REDIS_URL" in refused["why"]
    assert "remove REDIS_URL" in refused["remedy"]


def test_without_settings_the_environment_is_read_and_logging_set_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plans: list[LogPlan] = []
    monkeypatch.setattr(logs, "configure", plans.append)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROJECT_NAME", "From the environment")
    monkeypatch.setenv("LOG_FORMAT", "json")
    monkeypatch.setenv("LOG_FILE_MAX_MB", "2")
    app = create_app(open_services=Fakes().open)
    assert (app.title, app.version, app.debug) == ("From the environment", __version__, False)
    assert plans == [LogPlan("INFO", json_lines=True, file=None, file_bytes=2 * 1024 * 1024, file_backups=5)]


def test_wrong_settings_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORT", "many")
    with pytest.raises(SettingsInvalid, match="PORT"):
        create_app()


def test_debug_shows_no_stack() -> None:
    fakes = Fakes()
    fakes.chat.error = RuntimeError("hunter2")
    with serving(fakes, debug=True) as client:
        reply = client.post("/api/v1/chat", json={"query": "x"})
    assert (reply.status_code, "hunter2" in reply.text) == (500, False)
