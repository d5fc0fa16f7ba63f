"""Sessions as browsers and programs get them: who gets one, its cookie, whose conversation it is."""

import re

import pytest
from access_app import ASKED, CHAT, CURRENT, HERE, forgetful, key_of, serving
from fakes import Fakes, answer

from app.domain.answers import Answer
from app.domain.conversations import Question
from app.errors import NotFound
from tests.access_builders import World

BROWSER = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
PAGE = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


def remembering() -> Fakes:
    """Return fakes whose conversations belong to whoever began them."""
    fakes, owners = Fakes(), dict[str, str]()

    def reply(question: Question) -> Answer:
        if question.conversation_id and owners.get(question.conversation_id) != question.owner:
            raise NotFound("conversation")
        given = answer(question)
        owners[given.conversation_id] = question.owner
        return given

    fakes.chat.reply = reply
    return fakes


def test_programs_of_this_machine_share_an_owner_and_get_no_cookie() -> None:
    fakes = Fakes()
    with serving(World(), fakes) as client:
        reply = client.post(CHAT, json=ASKED)
        assert client.get(CURRENT).json() == {"owner": "anonymous", "kind": "anonymous", "ends_at": None}
    assert "set-cookie" not in reply.headers
    assert fakes.chat.asked[0].owner == "anonymous"


@pytest.mark.parametrize("headers", [BROWSER, {"Origin": HERE}, PAGE], ids=["fetch", "origin", "page"])
def test_browsers_get_a_session_of_their_own(headers: dict[str, str]) -> None:
    fakes = Fakes()
    with serving(World(), fakes) as client:
        replies = [client.post(CHAT, json=ASKED, headers=headers) for _ in range(2)]
        other = forgetful(client).post(CHAT, json=ASKED, headers=headers)
    assert ["set-cookie" in reply.headers for reply in (*replies, other)] == [True, False, True]
    one, same, another = (question.owner for question in fakes.chat.asked)
    assert one == same != another
    assert one.startswith("session:")


def test_the_page_brings_the_session() -> None:
    with serving(World()) as client:
        page = client.get("/", headers=PAGE)
        program = forgetful(client).get("/")
    assert "itsupport_session=" in page.headers["set-cookie"]
    assert page.headers["cache-control"] == "no-cache"
    assert "set-cookie" not in program.headers


@pytest.mark.parametrize("change", ["key", "store"])
def test_the_page_comes_whatever_happens(change: str) -> None:
    world = World(require_key=change == "key")
    world.session_store.down = change == "store"
    with serving(world, require_key=change == "key") as client:
        assert client.get("/", headers=PAGE).status_code == 200


def test_the_cookie_over_http() -> None:
    with serving(World(loopback=False)) as client:
        cookie = client.post(CHAT, json=ASKED).headers["set-cookie"]
    assert re.fullmatch(
        r"itsupport_session=[\w-]{22}\.[\w-]{43}\.[\w-]{43}; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax", cookie
    )


def test_the_cookie_over_https() -> None:
    with serving(World(loopback=False), base="https://help.example.com") as client:
        reply = client.post(CHAT, json=ASKED)
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith("__Host-itsupport_session=")
        assert cookie.endswith("; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax; Secure")
        assert "set-cookie" not in client.post(CHAT, json=ASKED).headers
        plain = cookie.partition(";")[0].removeprefix("__Host-")
        assert "set-cookie" in forgetful(client).post(CHAT, json=ASKED, headers={"Cookie": plain}).headers
    assert reply.headers["cache-control"] == "no-store"


RELAYED = {
    "another machine": ({}, ("10.0.0.7", 5)),
    "a proxy on this one": ({"X-Forwarded-For": "10.0.0.7"}, ("127.0.0.1", 5)),
    "a proxy of another kind": ({"Forwarded": "for=10.0.0.7"}, ("127.0.0.1", 5)),
    "a name made to point here": ({"Host": "evil.example:8000"}, ("127.0.0.1", 5)),
    "no name": ({"Host": ""}, ("127.0.0.1", 5)),
}


@pytest.mark.parametrize(("headers", "client"), RELAYED.values(), ids=RELAYED)
def test_only_programs_of_this_machine_share_the_owner(headers: dict[str, str], client: tuple[str, int]) -> None:
    with serving(World()) as opened:
        opened._transport.client = client  # type: ignore[attr-defined] # where requests come from
        owner = opened.get(CURRENT, headers=headers).json()["owner"]
    assert owner.startswith("session:")


def test_where_others_reach_the_service_a_conversation_is_its_sessions() -> None:
    with serving(World(loopback=False), remembering()) as client:
        first = client.post(CHAT, json=ASKED)
        follow = {"query": "and then?", "conversation_id": first.json()["conversation_id"]}
        assert client.post(CHAT, json=follow).status_code == 200
        lost = forgetful(client).post(CHAT, json=follow)
        forged = forgetful(client).post(CHAT, json=follow, headers={"Cookie": "itsupport_session=x.y.z"})
    assert "set-cookie" in first.headers
    assert (lost.status_code, forged.status_code) == (404, 404)


async def test_a_conversation_of_a_key_is_its_owners() -> None:
    world = World()
    one, same, other = [
        await key_of(world, name, owner) for name, owner in (("a", "desk"), ("b", "desk"), ("c", "else"))
    ]
    with serving(world, remembering()) as client:
        begun = client.post(CHAT, json=ASKED, headers=one)
        follow = {"query": "and then?", "conversation_id": begun.json()["conversation_id"]}
        statuses = [client.post(CHAT, json=follow, headers=headers).status_code for headers in (one, same, other, {})]
    assert statuses == [200, 200, 404, 404]
    assert "set-cookie" not in begun.headers


def test_streams_and_openai_clients_get_the_cookie_as_well() -> None:
    fakes = Fakes()
    body = {"model": "it-support", "messages": [{"role": "user", "content": "x"}]}
    with serving(World(loopback=False), fakes) as client:
        streamed = client.post(CHAT, json={**ASKED, "stream": True})
        openai = client.post("/v1/chat/completions", json=body)
    assert "set-cookie" in streamed.headers
    assert "set-cookie" not in openai.headers
    assert len({question.owner for question in fakes.chat.asked}) == 1


def test_what_needs_no_owner_begins_no_session() -> None:
    world = World(loopback=False)
    with serving(world) as client:
        for path in ("/health", "/livez", "/", "/v1/models", "/api/v1/nothing", "/docs", "/api/v1/chat/health"):
            assert "set-cookie" not in client.get(path).headers
        assert client.post("/api/v1/search", json=ASKED).status_code == 200
    assert world.session_store.asked == []


def test_a_page_elsewhere_cannot_send_text_that_is_json() -> None:
    fakes = Fakes()
    with serving(World(), fakes) as client:
        client.get("/", headers=PAGE)
        for kind in (
            "text/plain",
            "text/plain;charset=utf-8",
            "application/x-www-form-urlencoded",
            "application/jsonx",
        ):
            reply = client.post(CHAT, content='{"query": "x"}', headers={"Content-Type": kind, "Origin": HERE})
            assert reply.status_code == 415
    assert fakes.chat.asked == []


def test_while_sessions_cannot_be_kept_new_callers_are_answered_and_unknown_ones_wait() -> None:
    world, other = World(loopback=False), World(loopback=False)
    with serving(other) as client:
        cookie = client.post(CHAT, json=ASKED).headers["set-cookie"].partition(";")[0]
    world.session_store.down = True
    with serving(world) as client:
        assert client.post(CHAT, json=ASKED).status_code == 200
        assert client.post(CHAT, json=ASKED).status_code == 200
        reply = forgetful(client).post(CHAT, json=ASKED, headers={"Cookie": cookie})
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
