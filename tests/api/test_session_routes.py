"""Logging in with a key, saying who one is, logging out."""

import pytest
from access_app import ASKED, CHAT, CURRENT, SESSIONS, forgetful, key_of, serving
from fakes import serving as serving_anybody
from starlette.testclient import TestClient

from tests.access_builders import World


def cookie_of(client: TestClient) -> str:
    return next(iter(client.cookies.jar)).value or ""


async def test_a_key_logs_in_a_browser_where_keys_are_required() -> None:
    world = World(loopback=False, require_key=True)
    headers = await key_of(world, "page", owner="desk")
    with serving(world, require_key=True) as client:
        assert client.post(SESSIONS).status_code == 401
        begun = client.post(SESSIONS, headers=headers)
        assert (begun.status_code, begun.json()["owner"], begun.json()["kind"]) == (201, "desk", "session")
        assert client.post(CHAT, json=ASKED).status_code == 200
        assert client.get(CURRENT).json() == begun.json()
        await world.desk.revoke("page")
        world.time.passes(seconds=1)
        assert client.post(CHAT, json=ASKED).status_code == 401


async def test_logging_in_gives_a_new_id_and_ends_the_old_one() -> None:
    world = World(loopback=False)
    headers = await key_of(world, "page", owner="desk")
    with serving(world) as client:
        client.post(SESSIONS)
        before = cookie_of(client)
        owner = client.get(CURRENT).json()["owner"]
        assert client.post(SESSIONS, headers=headers).json()["owner"] == "desk"
        assert cookie_of(client) != before
        world.time.passes(seconds=61)
        stale = forgetful(client).get(CURRENT, headers={"Cookie": f"itsupport_session={before}"})
    assert stale.json()["owner"] not in {owner, "desk"}


def test_without_a_key_there_is_one_session_however_often_one_is_begun() -> None:
    with serving(World()) as client:
        first, again = client.post(SESSIONS), client.post(SESSIONS)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert ("set-cookie" in first.headers, "set-cookie" in again.headers) == (True, False)


def test_logging_out_makes_the_cookie_worthless_whoever_has_it() -> None:
    world = World(loopback=False)
    with serving(world) as client:
        owner = client.post(SESSIONS).json()["owner"]
        kept = cookie_of(client)
        left = client.delete(CURRENT)
        assert left.status_code == 204
        assert left.headers["set-cookie"].startswith('itsupport_session=""; HttpOnly; Max-Age=0; Path=/')
        assert len(list(client.cookies.jar)) == 0
        assert client.get(CURRENT, headers={"Cookie": f"itsupport_session={kept}"}).json()["owner"] != owner


async def test_logging_out_everywhere_ends_other_browsers_too() -> None:
    world = World(loopback=False)
    headers = await key_of(world, "page", owner="desk")
    with serving(world) as client:
        cookies = []
        for _ in range(3):
            client.post(SESSIONS, headers=headers)
            cookies.append(f"itsupport_session={cookie_of(client)}")
            client.cookies.clear()
        assert client.delete(SESSIONS, headers={"Cookie": cookies[0]}).status_code == 204
        world.time.passes(seconds=1)
        for cookie in cookies:
            client.cookies.clear()
            assert client.get(CURRENT, headers={"Cookie": cookie}).json()["owner"] != "desk"
        client.cookies.clear()
        assert client.get(CURRENT, headers=headers).json()["kind"] == "key"


@pytest.mark.parametrize("path", [CURRENT, SESSIONS])
async def test_who_has_no_session_has_none_to_end(path: str) -> None:
    world = World(loopback=False)
    headers = await key_of(world, "ci")
    with serving(world) as client:
        assert client.delete(path).status_code == 404
        assert client.delete(path, headers=headers).status_code == (404 if path == CURRENT else 204)
    assert "put" not in world.session_store.asked


def test_while_a_session_cannot_be_ended_that_is_said() -> None:
    world = World(loopback=False)
    with serving(world) as client:
        client.post(SESSIONS)
        world.session_store.down = True
        reply = client.delete(CURRENT)
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
        world.session_store.down = False
        world.time.passes(seconds=5)
        assert client.get(CURRENT).json()["kind"] == "session"


def test_a_service_that_knows_nobody_has_no_sessions() -> None:
    with serving_anybody() as client:
        assert client.post(SESSIONS).status_code == 404
        assert client.get(CURRENT).json()["kind"] == "anonymous"


async def test_logs_hold_neither_keys_nor_ids(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    world = World(loopback=False)
    headers = await key_of(world, "page")
    token = headers["Authorization"].removeprefix("Bearer ")
    with serving(world) as client:
        client.post(SESSIONS, headers=headers)
        cookie = cookie_of(client)
        client.post(CHAT, json=ASKED)
        client.post(CHAT, json=ASKED, headers={"Authorization": f"Bearer {token}x"})
        client.get(f"{CURRENT}/{token}")
        world.session_store.down = True
        world.time.passes(hours=1)
        client.post(CHAT, json=ASKED)
        client.delete(CURRENT)
    ours = "\n".join(
        record.getMessage() + str(vars(record)) for record in caplog.records if record.name.startswith("app")
    )
    assert "request" in ours
    for secret in (token, cookie, *cookie.split(".")[1:]):
        assert secret not in ours
