"""Keys: made, found, expired, revoked; and what happens while their store is down."""

import statistics
import time

import pytest

from app.errors import Conflict, InvalidInput, NotFound, StoreFailed
from app.services.access.tokens import _checksum, looks_like_key, new_key
from tests.access_builders import World


@pytest.fixture
def world() -> World:
    return World()


async def test_a_key_opens_for_its_owner_by_default_its_name(world: World) -> None:
    token, key = await world.desk.issue("ci")
    other, _ = await world.desk.issue("bot", owner="service-desk")
    found = await world.keys.of(token)
    assert found is not None
    assert (found.id, found.owner) == (key.id, "ci")
    owned = await world.keys.of(other)
    assert owned is not None
    assert owned.owner == "service-desk"
    assert await world.keys.of(new_key()) is None


async def test_what_is_no_key_is_refused_without_asking_the_store(world: World) -> None:
    for text in ("", "its_x", '{"$ne": ""}', "its_" + "a" * 49):
        assert await world.keys.of(text) is None
    assert world.key_store.asked == []


async def test_the_store_holds_no_usable_key(world: World) -> None:
    token, key = await world.desk.issue("ci")
    assert token not in repr(await world.desk.every())
    assert await world.keys.of(key.digest) is None
    assert await world.keys.of(key.id) is None


async def test_a_revoked_key_is_refused_within_a_second(world: World) -> None:
    token, key = await world.desk.issue("ci")
    assert await world.keys.of(token)
    await world.desk.revoke("ci")
    world.time.passes(seconds=1)
    assert await world.keys.of(token) is None
    assert await world.keys.holding(key.digest) is None


async def test_a_key_expires(world: World) -> None:
    token, _ = await world.desk.issue("ci", days=2)
    world.time.passes(days=1.99)
    assert await world.keys.of(token)
    world.time.passes(days=0.01)
    assert await world.keys.of(token) is None


async def test_the_store_is_asked_once_a_second_at_most(world: World) -> None:
    token, _ = await world.desk.issue("ci")
    for _ in range(100):
        assert await world.keys.of(token)
        world.time.passes(seconds=0.1)
    assert world.key_store.asked.count("find") <= 12
    assert world.key_store.asked.count("used") == 1


async def test_use_is_noted_once_an_hour_and_never_costs_an_answer(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    token, _ = await world.desk.issue("ci")
    await world.keys.of(token)
    world.time.passes(hours=1)
    await world.keys.of(token)
    (key,) = await world.desk.every()
    assert key.used_at == world.time.moment
    world.time.passes(hours=1)
    assert await world.keys.of(token)
    world.key_store.down = True
    world.time.passes(seconds=60)
    world.key_store.asked.clear()
    assert await world.keys.of(token)
    assert token not in caplog.text


async def test_while_the_store_is_down_keys_seen_of_late_go_on(world: World) -> None:
    token, _ = await world.desk.issue("ci")
    unseen, _ = await world.desk.issue("other")
    assert await world.keys.of(token)
    world.key_store.down = True
    world.time.passes(seconds=299)
    assert await world.keys.of(token)
    with pytest.raises(StoreFailed):
        await world.keys.of(unseen)
    world.time.passes(seconds=2)
    with pytest.raises(StoreFailed):
        await world.keys.of(token)
    world.key_store.down = False
    world.time.passes(seconds=3)
    assert await world.keys.of(token)


async def test_a_key_that_expires_while_the_store_is_down_is_refused(world: World) -> None:
    token, _ = await world.desk.issue("ci", days=1)
    world.time.passes(days=1, seconds=-10)
    assert await world.keys.of(token)
    world.key_store.down = True
    world.time.passes(seconds=20)
    assert await world.keys.of(token) is None


WRONG = ["", " ", "a b", '{"$ne": ""}', "session:1", "-x", "x" * 101, "a\n", "ä", "a/b", "$where"]


@pytest.mark.parametrize("text", WRONG)
async def test_names_and_owners_are_plain_words(world: World, text: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        await world.desk.issue(text)
    with pytest.raises(InvalidInput, match="owner"):
        await world.desk.issue("fine", owner=text)
    with pytest.raises(NotFound):
        await world.desk.revoke(text)
    assert await world.desk.every() == ()


@pytest.mark.parametrize("days", [0, -1, 3651])
async def test_lifetimes_are_bounded(world: World, days: int) -> None:
    with pytest.raises(InvalidInput, match="expires"):
        await world.desk.issue("ci", days=days)


async def test_a_name_in_use_is_not_given_twice_but_again_after_it(world: World) -> None:
    _, first = await world.desk.issue("ci")
    with pytest.raises(Conflict):
        await world.desk.issue("ci")
    assert (await world.desk.revoke(first.id)).revoked_at == world.time.moment
    _, second = await world.desk.issue("ci")
    assert second.id != first.id


async def test_the_time_it_takes_tells_nothing_of_how_much_of_a_key_is_right(world: World) -> None:
    token, _ = await world.desk.issue("ci")
    near, far = token[:44] + new_key()[44:47], new_key()
    near += _checksum(near)
    assert looks_like_key(near)
    took: dict[str, list[float]] = {near: [], far: []}
    for _ in range(300):
        for text, times in took.items():
            began = time.perf_counter()
            await world.keys.of(text)
            times.append(time.perf_counter() - began)
    assert 0.5 < statistics.median(took[near]) / statistics.median(took[far]) < 2
