"""The one authorisation as the settings put it together."""

from pathlib import Path
from typing import Any

import pytest
from server_processes import Server

from app.config import Settings, names
from app.container.access import open_access, open_key_desk
from app.domain.identities import Caller, CallerKind, Credentials
from app.errors import DependencyUnreachable, NotIdentified

pytest_plugins = ["live_servers"]

OLD, NEW = "8d1f0a3c5b7e9264" + "q-first-one-XyZ9", "71c3e5a7092b4d6f" + "q-other-one-XyZ9"
BROWSER = Credentials(apart=True)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def load(**settings: str) -> Settings:
        for name, value in {"STATE_DIR": str(tmp_path / "state"), **settings}.items():
            monkeypatch.setenv(name, value)
        return Settings.load(None)

    return load


def back(caller: Caller) -> Credentials:
    assert caller.cookie is not None
    return Credentials(session=caller.cookie.value, apart=True)


async def test_with_nothing_set_it_is_all_in_the_state_folder(loaded: Any, tmp_path: Path) -> None:
    settings = loaded()
    async with open_access(settings) as access:
        begun = await access.caller(BROWSER)
        assert (await access.caller(Credentials())).kind is CallerKind.ANONYMOUS
    async with open_access(settings) as access, open_key_desk(settings) as desk:
        assert (await access.caller(back(begun))).owner == begun.owner
        token, _ = await desk.issue("ci")
        assert (await access.caller(Credentials(bearer=token))).owner == "ci"
    names_of = {path.name for path in (tmp_path / "state").iterdir()}
    assert names_of == {"secret", "sessions.sqlite3", "access.sqlite3"}


async def test_the_secret_can_be_changed_without_ending_sessions(loaded: Any) -> None:
    async with open_access(loaded(SECRET_KEY=OLD)) as access:
        begun = await access.caller(BROWSER)
    async with open_access(loaded(SECRET_KEY=NEW, SECRET_KEY_PREVIOUS=OLD)) as access:
        assert (await access.caller(back(begun))).owner == begun.owner
    async with open_access(loaded(SECRET_KEY=NEW, SECRET_KEY_PREVIOUS="")) as access:
        assert (await access.caller(back(begun))).owner != begun.owner


async def test_required_keys_and_lifetimes_come_from_the_settings(loaded: Any) -> None:
    settings = loaded(REQUIRE_KEY="true", SESSION_IDLE_HOURS="2", SESSION_MAX_DAYS="3")
    async with open_access(settings) as access, open_key_desk(settings) as desk:
        with pytest.raises(NotIdentified):
            await access.caller(Credentials())
        token, key = await desk.issue("ci")
        begun = await access.begin(Credentials(bearer=token))
        assert begun.ends_at is not None
        assert begun.cookie is not None
        assert (begun.ends_at - key.created_at).total_seconds() == pytest.approx(7200, abs=5)
        assert begun.cookie.max_age == 3 * 86400


async def test_servers_that_are_named_keep_them(
    loaded: Any, redis_server: Server, mongo_uri: str, tmp_path: Path
) -> None:
    settings = loaded(REDIS_URL=redis_server.address, MONGODB_URI=mongo_uri, SECRET_KEY=OLD)
    async with open_access(settings) as access, open_key_desk(settings) as desk:
        token, _ = await desk.issue("ci")
        begun = await access.begin(Credentials(bearer=token))
    async with open_access(settings) as access:
        assert (await access.caller(back(begun))).owner == "ci"
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["REDIS_URL", "MONGODB_URI"])
async def test_a_server_that_is_named_and_away_refuses_the_start(loaded: Any, name: str) -> None:
    scheme = {"REDIS_URL": "redis", "MONGODB_URI": "mongodb"}[name]
    with pytest.raises(DependencyUnreachable, match=name):
        async with open_access(loaded(**{name: f"{scheme}://127.0.0.1:9/"})):
            pass
