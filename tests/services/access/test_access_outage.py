"""Sessions while their store is down: those seen of late go on, nobody else gets in."""

from datetime import timedelta

import pytest

from app.errors import StoreFailed
from app.services.access.sessions import SessionRules, Sessions
from tests.access_builders import World


@pytest.fixture
def world() -> World:
    return World()


async def resumed(sessions: Sessions, cookie: str) -> tuple[str, str | None]:
    """Return owner and new cookie."""
    found = await sessions.resume(cookie)
    assert found is not None
    return found[0].owner, found[1].value if found[1] else None


async def test_sessions_seen_of_late_go_on_and_others_do_not(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    _, elsewhere, _ = world.process()
    world.session_store.down = True
    world.time.passes(seconds=299)
    assert await resumed(world.sessions, cookie.value) == ("me", None)
    with pytest.raises(StoreFailed):
        await elsewhere.resume(cookie.value)
    assert await elsewhere.resume("forged.forged.forged") is None
    world.time.passes(seconds=2)
    with pytest.raises(StoreFailed):
        await world.sessions.resume(cookie.value)


async def test_a_session_that_ends_meanwhile_is_refused() -> None:
    world = World(rules=SessionRules(idle=timedelta(minutes=2)))
    _, cookie = await world.sessions.begin("me")
    world.session_store.down = True
    world.time.passes(minutes=3)
    assert await world.sessions.resume(cookie.value) is None


async def test_ids_stay_as_they_are(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    world.time.passes(hours=23)
    await resumed(world.sessions, cookie.value)
    world.time.passes(hours=1)
    await world.sessions.current(cookie.value.split(".")[0])
    world.session_store.down = True
    assert await resumed(world.sessions, cookie.value) == ("me", None)
    world.session_store.down = False
    world.time.passes(seconds=5)
    _, renewed = await resumed(world.sessions, cookie.value)
    assert renewed is not None


async def test_a_new_session_is_known_here_and_stored_when_the_store_is_back(world: World) -> None:
    world.session_store.down = True
    _, cookie = await world.sessions.begin("me")
    world.time.passes(seconds=5)
    assert await resumed(world.sessions, cookie.value) == ("me", None)
    world.session_store.down = False
    world.time.passes(seconds=5)
    assert await resumed(world.sessions, cookie.value) == ("me", None)
    assert await resumed(world.process()[1], cookie.value) == ("me", None)


async def test_what_cannot_be_ended_is_said_to_go_on(world: World) -> None:
    session, cookie = await world.sessions.begin("me")
    world.session_store.down = True
    for ending in (world.sessions.end(session.id), world.sessions.end_all("me")):
        with pytest.raises(StoreFailed):
            await ending
    assert await resumed(world.sessions, cookie.value) == ("me", None)
