"""Which ways to start are unsafe: every combination, and secrets that can be guessed."""

import itertools
import secrets
from dataclasses import replace

import pytest

from app.domain.exposure import Exposure, unsafe, weakness
from app.domain.identities import is_this_machine

GOOD = "9f1c7be2a4d05836d1e0c7b69a8f2453"
SECRETS = {"unset": None, "weak": "changeme" * 5, "good": GOOD}

# bind, SECRET_KEY, ALLOW_ANONYMOUS, REQUIRE_KEY -> the variable that is named; None where it may start.
MATRIX: dict[tuple[str, str, bool, bool], str | None] = {
    ("loopback", "unset", False, False): None,
    ("loopback", "unset", False, True): None,
    ("loopback", "unset", True, False): None,
    ("loopback", "unset", True, True): "REQUIRE_KEY",
    ("loopback", "weak", False, False): "SECRET_KEY",
    ("loopback", "weak", False, True): "SECRET_KEY",
    ("loopback", "weak", True, False): "SECRET_KEY",
    ("loopback", "weak", True, True): "SECRET_KEY",
    ("loopback", "good", False, False): None,
    ("loopback", "good", False, True): None,
    ("loopback", "good", True, False): None,
    ("loopback", "good", True, True): "REQUIRE_KEY",
    ("open", "unset", False, False): "HOST",
    ("open", "unset", False, True): "SECRET_KEY",
    ("open", "unset", True, False): "SECRET_KEY",
    ("open", "unset", True, True): "REQUIRE_KEY",
    ("open", "weak", False, False): "SECRET_KEY",
    ("open", "weak", False, True): "SECRET_KEY",
    ("open", "weak", True, False): "SECRET_KEY",
    ("open", "weak", True, True): "SECRET_KEY",
    ("open", "good", False, False): "HOST",
    ("open", "good", False, True): None,
    ("open", "good", True, False): None,
    ("open", "good", True, True): "REQUIRE_KEY",
}


def test_the_matrix_is_whole() -> None:
    every = itertools.product(("loopback", "open"), SECRETS, (False, True), (False, True))
    assert set(MATRIX) == set(every)


@pytest.mark.parametrize(("how", "variable"), MATRIX.items(), ids=str)
def test_every_unsafe_way_is_named(how: tuple[str, str, bool, bool], variable: str | None) -> None:
    bind, secret, anonymous, required = how
    found = unsafe(Exposure("helpdesk.example", bind == "loopback", anonymous, required, SECRETS[secret]))
    assert (found and found.variable) == variable
    if found is not None:
        assert found.reason
        assert found.remedy
        assert "changeme" not in found.reason


def test_the_other_secrets_count_as_well() -> None:
    here = Exposure("127.0.0.1", loopback=True, secret=GOOD)
    for how, variable in (
        (replace(here, previous_secret="x" * 40), "SECRET_KEY_PREVIOUS"),
        (replace(here, admin_key="x" * 40), "ADMIN_KEY"),
    ):
        found = unsafe(how)
        assert found is not None
        assert found.variable == variable
    found = unsafe(Exposure("127.0.0.1", loopback=True, previous_secret=GOOD))
    assert found is not None
    assert found.variable == "SECRET_KEY"


WEAK = [
    "", "secret", "flowise", "a" * 64, "changeme" * 4, "ChangeMe-ChangeMe-ChangeMe-ChangeMe",
    "0123456789abcdef" * 2, "change-this-secret-key-in-production",
    "your-secret-key-change-in-production-please", "abcdefghijklmnopqrstuvwxyzabcdef",
    "this-is-a-very-secret-key-for-development", "12345678901234567890123456789012", "abc123" * 8, " " * 40,
    "SECRET_KEY_SECRET_KEY_SECRET_KEY_SECRET_KEY", "supersecretpasswordsupersecretpassword",
    "replace_me_with_a_long_random_string", "its-support-secret-key-its-support-secret", "qwerty" * 7,
]  # fmt: skip


@pytest.mark.parametrize("secret", WEAK)
def test_secrets_that_stand_in_every_list_are_weak(secret: str) -> None:
    assert weakness(secret)


def test_random_secrets_are_not() -> None:
    for _ in range(500):
        assert weakness(secrets.token_hex(32)) is None
        assert weakness(secrets.token_urlsafe(32)) is None
        assert weakness(str(secrets.randbits(160)).zfill(49)) is None


@pytest.mark.parametrize("host", ["localhost", "localhost.", "127.0.0.1", "127.9.9.9", "::1"])
def test_names_that_can_only_be_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host", ["", "example.com", "localhost.example.com", "0.0.0.0", "::", "10.0.0.1", "2130706433"]
)
def test_names_that_may_be_another(host: str) -> None:
    assert not is_this_machine(host)
