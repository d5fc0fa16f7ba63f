"""Sessions: begun, resumed, given new ids, ended, expired; in several processes, and while their store is down."""

import asyncio
from datetime import timedelta

import pytest

from app.domain.identities import Session
from app.services.access.sessions import SessionRules, Sessions
from app.services.access.tokens import digest
from tests.access_builders import SECRET, World

OTHER = "another-secret-0b8f2a6c9d4e7153-0b8f2a6c9d"


@pytest.fixture
def world() -> World:
    return World()


async def resumed(sessions: Sessions, cookie: str) -> tuple[str, str | None]:
    """Return owner and new cookie."""
    found = await sessions.resume(cookie)
    assert found is not None
    return found[0].owner, found[1].value if found[1] else None


async def test_a_cookie_brings_its_session_back_in_any_process(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    assert await resumed(world.sessions, cookie.value) == ("me", None)
    _, elsewhere, _ = world.process()
    assert await resumed(elsewhere, cookie.value) == ("me", None)
    assert cookie.max_age == 30 * 86400


async def test_neither_store_nor_repr_holds_a_usable_id(world: World) -> None:
    session, cookie = await world.sessions.begin("me")
    secret = cookie.value.split(".")[1]
    assert session.digest == digest(secret)
    assert secret not in repr(world.session_store.store.__dict__)
    assert secret not in repr(cookie)
    for forged in (session.id, session.digest, f"{session.id}.{session.digest}", f"{session.id}.{secret}"):
        assert await world.sessions.resume(forged) is None


FORGED = ["", ".", "..", "a.b.c", '{"$ne": ""}', "x" * 100_000, "\udcff.\udcff", "é.é.é", "None", "\0"]


@pytest.mark.parametrize("cookie", FORGED)
async def test_what_we_have_not_signed_is_not_looked_up(world: World, cookie: str) -> None:
    assert await world.sessions.resume(cookie) is None
    assert world.session_store.asked == []


async def test_any_other_letter_in_a_cookie_makes_it_worthless(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    for at in range(0, len(cookie.value) - 1, 7):
        letter = "A" if cookie.value[at] != "A" else "B"
        assert await world.sessions.resume(cookie.value[:at] + letter + cookie.value[at + 1 :]) is None


async def test_signed_text_that_is_no_session_is_none(world: World) -> None:
    signer = world.sessions._signer
    for text in ("", "x", ".", "x.", ".x", "x.y"):
        assert await world.sessions.resume(signer.sign(text)) is None


async def test_a_changed_secret_ends_sessions_unless_it_is_named_as_the_previous(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    _, changed, _ = world.process(OTHER)
    assert await changed.resume(cookie.value) is None
    _, changing, _ = world.process(OTHER, previous=SECRET)
    assert await resumed(changing, cookie.value) == ("me", None)
    _, new = await changing.begin("new")
    assert await world.sessions.resume(new.value) is None


async def test_idle_sessions_end(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    world.time.passes(seconds=1)
    assert await resumed(world.sessions, cookie.value)
    world.time.passes(days=7, seconds=-1)
    owner, renewed = await resumed(world.sessions, cookie.value)
    world.time.passes(days=7)
    assert (owner, await world.sessions.resume(renewed or "")) == ("me", None)


async def test_a_session_that_never_came_back_ends_after_a_day(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    world.time.passes(days=1)
    assert await world.sessions.resume(cookie.value) is None


async def test_no_session_lasts_longer_than_the_longest() -> None:
    world = World(rules=SessionRules(longest=timedelta(days=3)))
    _, given = await world.sessions.begin("me")
    cookie = given.value
    for _ in range(5):
        world.time.passes(hours=14)
        _, renewed = await resumed(world.sessions, cookie)
        cookie = renewed or cookie
    world.time.passes(hours=2)
    assert await world.sessions.resume(cookie) is None


async def test_once_a_day_the_id_is_new_and_the_one_before_holds_a_minute_more(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    world.time.passes(hours=23)
    assert await resumed(world.sessions, cookie.value) == ("me", None)
    world.time.passes(hours=1)
    owner, renewed = await resumed(world.sessions, cookie.value)
    assert (owner, renewed is not None, renewed != cookie.value) == ("me", True, True)
    world.time.passes(seconds=59)
    # The answer that brought the new id may have been lost: it is told again.
    assert await resumed(world.sessions, cookie.value) == ("me", renewed)
    assert await resumed(world.sessions, renewed or "") == ("me", None)
    world.time.passes(seconds=2)
    assert await world.sessions.resume(cookie.value) is None
    assert await resumed(world.sessions, renewed or "") == ("me", None)


async def test_requests_that_renew_at_the_same_time_get_the_same_id(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    processes = [world.process()[1] for _ in range(4)]
    world.time.passes(hours=1)
    for each in processes:
        await resumed(each, cookie.value)
    world.time.passes(hours=24)
    found = await asyncio.gather(*(resumed(each, cookie.value) for each in processes * 5))
    assert len(set(found)) == 1
    (_, renewed) = found[0]
    for each in processes:
        assert await resumed(each, renewed or "") == ("me", None)


async def test_a_session_renewed_elsewhere_is_known_at_once(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    _, elsewhere, _ = world.process()
    world.time.passes(hours=23)
    await resumed(world.sessions, cookie.value)
    world.time.passes(hours=2)
    await world.sessions.current(cookie.value.split(".")[0])
    _, renewed = await resumed(elsewhere, cookie.value)
    assert await resumed(world.sessions, renewed or "") == ("me", None)


async def test_what_was_ended_is_refused_within_a_second_everywhere(world: World) -> None:
    session, cookie = await world.sessions.begin("me")
    _, other = await world.sessions.begin("me")
    _, foreign = await world.sessions.begin("you")
    _, elsewhere, _ = world.process()
    assert await resumed(elsewhere, cookie.value)
    await world.sessions.end(session.id)
    assert await world.sessions.resume(cookie.value) is None
    world.time.passes(seconds=1)
    assert await elsewhere.resume(cookie.value) is None
    assert await resumed(elsewhere, other.value)
    await world.sessions.end_all("me")
    assert await world.sessions.resume(other.value) is None
    world.time.passes(seconds=1)
    assert await elsewhere.resume(other.value) is None
    assert await resumed(elsewhere, foreign.value) == ("you", None)


async def test_a_session_ended_while_it_is_renewed_stays_ended(world: World) -> None:
    session, cookie = await world.sessions.begin("me")
    _, elsewhere, _ = world.process()
    for hours in (1, 24):
        world.time.passes(hours=hours)
        await elsewhere.current(session.id)
        await world.session_store.store.remove(session.id)
        assert await elsewhere.resume(cookie.value) is None
        assert await world.session_store.store.get(session.id) is None
        session, cookie = await world.sessions.begin("me")
        assert await resumed(elsewhere, cookie.value)


async def test_the_store_is_asked_once_a_second_and_written_once_in_five_minutes(world: World) -> None:
    _, cookie = await world.sessions.begin("me")
    world.time.passes(seconds=1)
    for _ in range(1200):
        await resumed(world.sessions, cookie.value)
        world.time.passes(seconds=0.5)
    assert world.session_store.asked.count("get") <= 610
    assert world.session_store.asked.count("put") == 3


async def test_a_change_by_somebody_else_meanwhile_counts(world: World) -> None:
    session, cookie = await world.sessions.begin("me")
    world.time.passes(hours=1)
    await resumed(world.sessions, cookie.value)
    world.time.passes(minutes=10)
    store = world.session_store
    original = store.store.put

    async def put(changed: Session, until: object, over: str | None = None) -> bool:
        # Another process gives it a new id between this one's reading and its writing.
        store.store.put = original
        world.time.passes(hours=24)
        _, elsewhere, _ = world.process()
        assert (await resumed(elsewhere, cookie.value))[1] is not None
        return bool(await original(changed, until, over))

    store.store.put = put
    owner, renewed = await resumed(world.sessions, cookie.value)
    assert owner == "me"
    assert renewed is not None
    kept = await store.store.get(session.id)
    assert kept.digest == digest(renewed.split(".")[1])
