"""Keys: their form, their checksum, and what is kept of them."""

import random
import re
import string

import pytest

from app.services.access import tokens

KEY = tokens.new_key()


def test_a_key_has_its_prefix_its_checksum_and_no_double() -> None:
    made = {tokens.new_key() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"its_[A-Za-z0-9_-]{49}", key) for key in made)
    assert all(tokens.looks_like_key(key) for key in made)


def test_typing_errors_are_told_without_a_look_up() -> None:
    chance = random.Random(5)  # noqa: S311 - which typing errors, nothing secret
    for _ in range(2000):
        at = chance.randrange(len(KEY))
        wrong = KEY[:at] + chance.choice(string.ascii_letters + string.digits + "-_") + KEY[at + 1 :]
        assert tokens.looks_like_key(wrong) == (wrong == KEY)
    swapped = KEY[:10] + KEY[11] + KEY[10] + KEY[12:]
    assert tokens.looks_like_key(swapped) == (swapped == KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "its_",
        KEY[:-1],
        f"{KEY}x",
        f" {KEY}",
        f"{KEY}\n",
        KEY.upper(),
        '{"$ne": ""}',
        "its_" + "ä" * 49,
        "x" * 10_000,
    ],
    ids=range(10),
)
def test_what_is_no_key_is_told(text: str) -> None:
    assert not tokens.looks_like_key(text)


def test_a_digest_is_kept_in_place_of_the_key() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", tokens.digest(KEY))
    assert tokens.digest(KEY) == tokens.digest(KEY) != tokens.digest(tokens.new_key())
    assert tokens.digest("\udcff")
    assert tokens.equal("\udcff", "\udcff")
    assert not tokens.equal("a", "b")


def test_the_secret_that_follows_is_the_same_for_all_and_takes_the_signature_to_know() -> None:
    secret = tokens.new_secret()
    assert tokens.following(secret, "s") == tokens.following(secret, "s")
    assert len({secret, tokens.following(secret, "s"), tokens.following(secret, "t")}) == 3
    assert len(tokens.following(secret, "s")) == len(secret) == 43


def test_ids_of_sessions_have_128_random_bits() -> None:
    made = {tokens.new_session_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(each) for each in made} == {22}
