"""Pages of other sites: none acts with a visitor's cookie, polls, or opens a WebSocket, but those the settings name."""

from collections.abc import Iterator
from typing import cast

import pytest
from access_app import CHAT, CURRENT, serving
from starlette.datastructures import Headers
from starlette.testclient import TestClient, WebSocketDenialResponse

from app.api.origins import OriginRules, host_of, is_own, name_of, origin_allowed
from tests.access_builders import World

LISTED = "https://desk.example.com"
RULES = OriginRules(frozenset({LISTED}))
HOST = "help.example.com:8000"
BASE = f"http://{HOST}"

# As a browser, or somebody who would be one, may send it to a service asked as help.example.com:8000.
ORIGINS: dict[str | None, bool] = {
    None: True,
    "http://help.example.com:8000": True,
    "https://help.example.com:8000": True,
    "http://HELP.example.com:8000": True,
    LISTED: True,
    "null": False,
    "": False,
    "*": False,
    "http://help.example.com": False,
    "http://help.example.com:80": False,
    "http://help.example.com:8001": False,
    "http://help.example.com:08000x": False,
    "https://help.example.com": False,
    "http://example.com:8000": False,
    "http://evil.help.example.com:8000": False,
    "http://help.example.com.evil.com:8000": False,
    "http://evilhelp.example.com:8000": False,
    "http://help-example.com:8000": False,
    "http://help.example.com.:8000": False,
    "http://help.example.com:8000.evil.com": False,
    "http://help.example.com:8000@evil.com": False,
    "http://user@help.example.com:8000": False,
    "http://user:word@help.example.com:8000": False,
    "http://help.example.com:8000/": False,
    "http://help.example.com:8000/x": False,
    "http://help.example.com:8000?x": False,
    "http://evil.com#help.example.com:8000": False,
    "http://evil.com\\@help.example.com:8000": False,
    "HTTP://help.example.com:8000": False,
    "ws://help.example.com:8000": False,
    "ftp://help.example.com:8000": False,
    "file://": False,
    "help.example.com:8000": False,
    "//help.example.com:8000": False,
    "http://": False,
    "http://[": False,
    "http://[::1]:8000": False,
    "http://127.0.0.1:8000": False,
    "http://localhost:8000": False,
    "http://xn--hlp-bma.example.com:8000": False,
    "http://h\xe9lp.example.com:8000": False,
    "http://help.example.com:8000 http://evil.com": False,
    "http://help.example.com:8000, http://evil.com": False,
    "http://help.example.com:8000\t": False,
    "https://DESK.example.com": False,
    "https://desk.example.com:443": False,
    "http://desk.example.com": False,
    "https://x.desk.example.com": False,
    "chrome-extension://help.example.com": False,
}
EVERY = pytest.mark.parametrize(("origin", "allowed"), ORIGINS.items(), ids=str)


@EVERY
def test_only_our_own_and_those_that_are_named_pass(origin: str | None, allowed: bool) -> None:
    headers = Headers({"Host": HOST} if origin is None else {"Host": HOST, "Origin": origin})
    assert origin_allowed(headers, RULES) == allowed


@pytest.fixture(scope="module")
def visited() -> Iterator[tuple[TestClient, str]]:
    """Return a client, and the cookie it got."""
    with serving(World(loopback=False), base=BASE, cors_origins=LISTED) as opened:
        yield opened, opened.get(CURRENT).headers["set-cookie"].partition(";")[0]


def asked(visited: tuple[TestClient, str], origin: str | None, *, cookie: bool) -> tuple[TestClient, dict[str, str]]:
    """Return the client without cookies of its own, and the headers to send."""
    client, value = visited
    client.cookies.clear()
    given = {} if origin is None else {"Origin": origin.encode("latin-1")}
    return client, cast("dict[str, str]", {**given, "Cookie": value} if cookie else given)


@EVERY
@pytest.mark.parametrize("cookie", [True, False], ids=["cookie", "nothing"])
def test_it_is_so_for_everything_that_acts(
    visited: tuple[TestClient, str], origin: str | None, allowed: bool, cookie: bool
) -> None:
    client, headers = asked(visited, origin, cookie=cookie)
    reply = client.post(CHAT, json={"query": "x"}, headers=headers)
    assert reply.status_code == (200 if allowed else 403)
    assert allowed or reply.json()["code"] == "not_allowed"
    assert ("set-cookie" in reply.headers) == (allowed and not cookie)


@EVERY
@pytest.mark.parametrize("cookie", [True, False], ids=["cookie", "nothing"])
def test_it_is_so_for_websockets_and_for_polling(
    visited: tuple[TestClient, str], origin: str | None, allowed: bool, cookie: bool
) -> None:
    client, headers = asked(visited, origin, cookie=cookie)
    assert client.get("/socket.io/?EIO=4", headers=headers).status_code == (200 if allowed else 403)
    client, headers = asked(visited, origin, cookie=cookie)
    if allowed:
        with client.websocket_connect(f"ws://{HOST}/ws/probe", headers=headers) as socket:
            assert socket.receive_json()["owner"].startswith("session:")
            assert bool(socket.extra_headers) == (not cookie)
    else:
        with (
            pytest.raises(WebSocketDenialResponse) as refused,
            client.websocket_connect(f"ws://{HOST}/ws/probe", headers=headers),
        ):
            pass
        assert refused.value.status_code == 403
        assert refused.value.json()["code"] == "not_allowed"


SITES = {"same-origin": True, "none": True, "same-site": False, "cross-site": False, "": False}


@pytest.mark.parametrize(("site", "allowed"), SITES.items())
def test_without_an_origin_older_browsers_say_where_they_are(site: str, allowed: bool) -> None:
    assert origin_allowed(Headers({"Host": HOST, "Sec-Fetch-Site": site}), RULES) == allowed


def test_over_an_encrypted_connection_a_page_that_was_not_is_another_sites() -> None:
    assert is_own("https://help.example.com", "help.example.com", secure=True)
    assert not is_own("http://help.example.com", "help.example.com", secure=True)
    assert not is_own("http://help.example.com:443", "help.example.com:443", secure=True)


def test_two_of_a_header_are_none() -> None:
    own = (b"origin", BASE.encode())
    host = (b"host", HOST.encode())
    assert origin_allowed(Headers(raw=[own, host]), RULES)
    assert not origin_allowed(Headers(raw=[own, own, host]), RULES)
    assert not origin_allowed(Headers(raw=[own, host, host]), RULES)
    assert not origin_allowed(Headers(raw=[own]), RULES)
    assert host_of(Headers(raw=[host, host])) == ""


def test_hosts_are_read_strictly() -> None:
    assert name_of("Help.example.com:80") == "help.example.com"
    assert name_of("[::1]:80") == "::1"
    for wrong in ("", "a/b", "a b", "u@h", "[::1", "h:x", "h:123456", "a\n"):
        assert name_of(wrong) == ""
