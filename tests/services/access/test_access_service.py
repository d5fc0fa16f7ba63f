"""Who asks: by key, by session, by neither; on this machine alone, and where others can reach it."""

import logging

import pytest

from app.domain.conversations import ANONYMOUS
from app.domain.identities import Caller, CallerKind, Credentials
from app.errors import NotFound, NotIdentified, StoreFailed
from app.services.access.tokens import new_key
from tests.access_builders import World, with_cookie, with_key

NOTHING = Credentials()
BROWSER = Credentials(apart=True)


def cookie_of(caller: Caller) -> str:
    assert caller.cookie is not None
    return caller.cookie.value


async def test_programs_of_this_machine_share_an_owner() -> None:
    world = World()
    assert await world.access.caller(NOTHING) == Caller(ANONYMOUS, CallerKind.ANONYMOUS)
    assert world.session_store.asked == []
    await world.access.check(Caller())


async def test_browsers_get_a_session_each_and_keep_it() -> None:
    world = World()
    one, two = await world.access.caller(BROWSER), await world.access.caller(BROWSER)
    assert ANONYMOUS != one.owner != two.owner
    assert one.kind is CallerKind.SESSION
    again = await world.access.caller(with_cookie(cookie_of(one)))
    assert (again.owner, again.cookie) == (one.owner, None)


async def test_where_others_reach_the_service_nobody_shares_anything() -> None:
    world = World(loopback=False)
    callers = [await world.access.caller(NOTHING) for _ in range(3)]
    assert len({caller.owner for caller in callers} | {ANONYMOUS}) == 4
    assert all(caller.cookie for caller in callers)


async def test_a_cookie_that_holds_no_longer_counts_as_none() -> None:
    world = World()
    for value in ("forged", cookie_of(await world.access.caller(BROWSER))):
        world.time.passes(days=8)
        caller = await world.access.caller(with_cookie(value))
        assert caller.kind is CallerKind.SESSION
        assert cookie_of(caller) != value


async def test_a_key_comes_before_a_cookie_and_a_wrong_one_is_no_reason_to_look_at_it() -> None:
    world = World()
    token, _ = await world.desk.issue("ci", owner="desk")
    cookie = cookie_of(await world.access.caller(BROWSER))
    both = await world.access.caller(Credentials(bearer=token, session=cookie))
    assert (both.owner, both.kind, both.cookie) == ("desk", CallerKind.KEY, None)
    for wrong in ("its_", new_key(), token[:-1]):
        with pytest.raises(NotIdentified):
            await world.access.caller(Credentials(bearer=wrong, session=cookie))


@pytest.mark.parametrize("foreign", ["", "any", "sk-proj-123", '{"$ne": ""}'])
async def test_where_no_key_is_needed_one_that_is_not_of_ours_says_nothing(foreign: str) -> None:
    caller = await World().access.caller(Credentials(bearer=foreign))
    assert caller.kind is CallerKind.ANONYMOUS
    with pytest.raises(NotIdentified):
        await World(loopback=False, require_key=True).access.caller(Credentials(bearer=foreign))


class TestKeysRequired:
    @pytest.fixture
    def world(self) -> World:
        return World(loopback=False, require_key=True)

    async def test_nobody_gets_in_without_one(self, world: World) -> None:
        for given in (NOTHING, BROWSER, with_cookie("x"), with_key("x"), with_key(new_key())):
            with pytest.raises(NotIdentified):
                await world.access.caller(given)
            with pytest.raises(NotIdentified):
                await world.access.begin(given)
        with pytest.raises(NotIdentified):
            await world.access.check(Caller())
        assert world.session_store.asked == []

    async def test_a_session_begun_without_one_is_worth_nothing(self, world: World) -> None:
        _, cookie = await world.sessions.begin("session:me")
        with pytest.raises(NotIdentified):
            await world.access.caller(with_cookie(cookie.value))

    async def test_a_session_begun_with_one_belongs_to_its_owner(self, world: World) -> None:
        token, _ = await world.desk.issue("ci", owner="desk")
        begun = await world.access.begin(with_key(token))
        caller = await world.access.caller(with_cookie(cookie_of(begun)))
        assert (caller.owner, caller.kind) == ("desk", CallerKind.SESSION)

    async def test_it_ends_with_its_key(self, world: World) -> None:
        token, _ = await world.desk.issue("ci", days=2)
        await world.desk.issue("other")
        begun = await world.access.begin(with_key(token))
        await world.access.check(begun)
        await world.desk.revoke("ci")
        world.time.passes(seconds=1)
        with pytest.raises(NotIdentified):
            await world.access.check(begun)
        with pytest.raises(NotIdentified):
            await world.access.caller(with_cookie(cookie_of(begun)))


async def test_logging_in_ends_the_session_before() -> None:
    world = World()
    token, _ = await world.desk.issue("ci", owner="desk")
    before = cookie_of(await world.access.caller(BROWSER))
    begun = await world.access.begin(Credentials(bearer=token, session=before))
    assert begun.owner == "desk"
    known = await world.access.caller(with_cookie(before))
    assert known.owner != "desk"
    assert cookie_of(known) != before


async def test_beginning_without_a_key_keeps_the_session_there_is() -> None:
    world = World()
    first = await world.access.begin(NOTHING)
    again = await world.access.begin(with_cookie(cookie_of(first)))
    assert (again.owner, again.kind, again.cookie) == (first.owner, CallerKind.SESSION, None)


async def test_logging_out() -> None:
    world = World()
    one = await world.access.caller(BROWSER)
    left = await world.access.end(one)
    assert (cookie_of(left), left.kind) == ("", CallerKind.ANONYMOUS)
    with pytest.raises(NotIdentified):
        await world.access.check(one)
    for nobody in (Caller(), Caller("ci", CallerKind.KEY, "digest")):
        with pytest.raises(NotFound):
            await world.access.end(nobody)


async def test_logging_out_everywhere_by_session_or_by_key() -> None:
    world = World()
    token, _ = await world.desk.issue("ci")
    for by_key in (False, True):
        sessions = [await world.access.begin(with_key(token)) for _ in range(3)]
        caller = await world.access.caller(with_key(token)) if by_key else sessions[0]
        await world.access.end_all(caller)
        for each in sessions:
            with pytest.raises(NotIdentified):
                await world.access.check(each)
    await world.access.check(await world.access.caller(with_key(token)))
    with pytest.raises(NotFound):
        await world.access.end_all(Caller())


class TestChecks:
    """What is asked before every event of a channel that stays open."""

    @pytest.fixture
    def world(self) -> World:
        return World(loopback=False)

    async def test_a_key_that_is_revoked_is_refused_within_a_second(self, world: World) -> None:
        token, _ = await world.desk.issue("ci")
        caller = await world.access.caller(with_key(token))
        await world.access.check(caller)
        await world.desk.revoke("ci")
        world.time.passes(seconds=1)
        with pytest.raises(NotIdentified):
            await world.access.check(caller)

    async def test_a_session_that_another_process_ended_is_refused_within_a_second(self, world: World) -> None:
        caller = await world.access.caller(NOTHING)
        other, _, _ = world.process()
        await world.access.check(caller)
        await other.end(caller)
        world.time.passes(seconds=1)
        with pytest.raises(NotIdentified):
            await world.access.check(caller)

    async def test_expiry_counts_as_well(self, world: World) -> None:
        token, _ = await world.desk.issue("ci", days=1)
        by_key, by_session = await world.access.caller(with_key(token)), await world.access.caller(NOTHING)
        world.time.passes(days=1)
        for caller in (by_key, by_session):
            with pytest.raises(NotIdentified):
                await world.access.check(caller)

    async def test_a_session_with_a_new_id_is_the_same_caller(self, world: World) -> None:
        caller = await world.access.caller(NOTHING)
        cookie = cookie_of(caller)
        for _ in range(3):
            world.time.passes(hours=23)
            renewed = await world.access.caller(with_cookie(cookie))
            cookie = renewed.cookie.value if renewed.cookie else cookie
            await world.access.check(caller)
        assert cookie != cookie_of(caller)

    async def test_a_caller_that_is_made_up_is_refused(self, world: World) -> None:
        caller = await world.access.caller(NOTHING)
        for forged in (
            Caller("somebody", CallerKind.SESSION, caller.credential),
            Caller(caller.owner, CallerKind.SESSION, "x"),
            Caller("ci", CallerKind.KEY, ""),
        ):
            with pytest.raises(NotIdentified):
                await world.access.check(forged)

    async def test_they_go_on_for_a_while_where_the_stores_are_down_and_are_refused_then(self, world: World) -> None:
        token, _ = await world.desk.issue("ci")
        callers = [await world.access.caller(with_key(token)), await world.access.caller(NOTHING)]
        world.session_store.down = world.key_store.down = True
        world.time.passes(seconds=200)
        for caller in callers:
            await world.access.check(caller)
        world.time.passes(seconds=200)
        for caller in callers:
            with pytest.raises(StoreFailed):
                await world.access.check(caller)


async def test_logs_hold_neither_keys_nor_ids(caplog: pytest.LogCaptureFixture) -> None:
    world = World(loopback=False)
    caplog.set_level("DEBUG")
    token, _ = await world.desk.issue("ci")
    secrets = [
        token,
        cookie_of(await world.access.caller(NOTHING)),
        cookie_of(await world.access.begin(with_key(token))),
    ]
    world.session_store.down = world.key_store.down = True
    for _ in range(8):
        world.time.passes(seconds=120)
        for given in (with_key(token), with_cookie(secrets[1]), with_cookie(secrets[2]), NOTHING, with_key("x")):
            try:
                await world.access.caller(given)
            except (StoreFailed, NotIdentified) as error:
                logging.getLogger("test").warning("refused", exc_info=error)
    assert "session_not_stored" in caplog.text
    for secret in secrets:
        for part in (secret, *secret.split(".")):
            assert part not in caplog.text
