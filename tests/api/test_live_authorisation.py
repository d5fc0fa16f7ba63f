"""Authorisation in real time: at the handshake, by the first event, on every event, and while nothing is said."""

import time
import uuid

import pytest
from live_app import Parts, serving
from live_clients import key, line, phone

from app.domain.identities import Caller
from app.errors import StoreFailed
from app.services.live.rules import LiveRules
from tests.live_builders import KeyAccess

ID = str(uuid.uuid4())
EVENTS = {
    "question": {"message": "Tell me"},
    "resume": {"id": ID},
    "join": {"conversation_id": ID},
    "cancel": {"id": ID},
    "ping": {},
    "pong": {},
    "nonsense": {},
}
# The watch is not to be first: it is the event that is refused.
LAZY = LiveRules(check_seconds=60)


@pytest.mark.parametrize("name", EVENTS)
async def test_every_event_of_a_revoked_caller_is_refused_and_the_socket_closed(name: str) -> None:
    access = KeyAccess()
    async with serving(Parts(access=access, rules=LAZY)) as (parts, port), line(port, **key("anna")) as chat:
        await chat.send(type="ping")
        assert (await chat.next())["type"] == "pong"
        access.revoked.add("key-anna")
        began = time.monotonic()
        await chat.send(type=name, **EVENTS[name])
        refused = await chat.next()
        assert (refused["type"], refused["code"], refused["status"]) == ("error", "not_identified", 401)
        assert await chat.closed() == 4401
        assert time.monotonic() - began < 1
    assert parts.chat.asked == []


@pytest.mark.parametrize("name", ["send_message", "resume", "join", "cancel", "nonsense"])
async def test_every_event_of_a_revoked_socketio_client_is_refused(name: str) -> None:
    access = KeyAccess()
    parts = Parts(access=access, rules=LAZY)
    async with serving(parts) as (_parts, port), phone(port, auth={"token": "key-anna"}) as client:
        await client.until("connected")
        access.revoked.add("key-anna")
        began = time.monotonic()
        answer = await client.call(name, EVENTS.get(name, {"message": "Tell me"}))
        assert (answer["ok"], answer["code"]) == (False, "not_identified")
        assert (await client.until("error"))[-1][1]["code"] == "not_identified"
        await client.gone.wait()
        assert time.monotonic() - began < 1
    assert parts.chat.asked == []


async def test_a_revoked_caller_is_put_out_while_it_is_silent_or_being_answered() -> None:
    access = KeyAccess()
    async with (
        serving(Parts(access=access, pace=0.2)) as (_parts, port),
        line(port, **key("anna")) as idle,
        line(port, **key("anna")) as answered,
        line(port, **key("bert")) as other,
        phone(port, auth={"token": "key-anna"}) as client,
    ):
        await answered.socket.send("a long answer in many words please")
        await answered.until("message")
        access.revoked.add("key-anna")
        began = time.monotonic()
        for chat in (idle, answered):
            assert (await chat.until("error"))[-1]["code"] == "not_identified"
            assert await chat.closed() == 4401
        await client.gone.wait()
        assert time.monotonic() - began < 1
        await other.socket.send("Hello")
        await other.until("final_answer")


async def test_a_key_may_be_given_by_the_first_event_within_its_time() -> None:
    async with serving(Parts(access=KeyAccess(), rules=LiveRules(sign_in_seconds=0.5))) as (parts, port):
        async with line(port) as chat:
            assert (await chat.next())["code"] == "not_identified"
            await chat.send(type="question", message="Early")
            assert (await chat.next())["code"] == "not_identified"
            await chat.send(type="auth", token={"$ne": ""})
            assert (await chat.next())["code"] == "invalid_input"
            await chat.send(type="auth", token="key-anna")
            assert (await chat.next())["type"] == "authenticated"
            await chat.send(type="question", message="Now")
            await chat.until("final_answer")
        async with line(port) as chat:
            began = time.monotonic()
            await chat.until("error")
            assert (await chat.next())["code"] == "not_identified"
            assert await chat.closed() == 4401
            assert time.monotonic() - began < 1.5
    assert [(question.owner, question.text) for question in parts.chat.asked] == [("anna", "Now")]


async def test_guessing_keys_is_bounded_and_leaving_meanwhile_is_no_fault() -> None:
    rules = LiveRules(burst=2, strikes=2)
    async with serving(Parts(access=KeyAccess(), rules=rules)) as (_parts, port):
        async with line(port) as chat:
            for _ in range(4):
                await chat.send(type="auth", token="wrong")
            await chat.closed()
        async with line(port):
            pass


async def test_who_was_nobody_may_become_somebody_later() -> None:
    access = KeyAccess(open=True)
    async with serving(Parts(access=access)) as (parts, port), line(port) as chat:
        await chat.socket.send("As nobody")
        await chat.until("final_answer")
        await chat.send(type="auth", token="key-anna")
        await chat.until("authenticated")
        await chat.socket.send("As anna")
        await chat.until("final_answer")
        await chat.send(type="auth", token="wrong")
        assert await chat.closed() == 4401
    assert [question.owner for question in parts.chat.asked] == ["anonymous", "anna"]


async def test_where_nobody_can_tell_events_are_refused_and_the_connection_stays() -> None:
    class Unsure(KeyAccess):
        failing = False

        async def check(self, caller: Caller) -> None:
            if self.failing:
                raise StoreFailed("sessions", "gone")
            await super().check(caller)

    access = Unsure()
    rules = LiveRules(check_seconds=0.05)
    async with serving(Parts(access=access, rules=rules)) as (_parts, port), line(port, **key("anna")) as chat:
        access.failing = True
        await chat.socket.send("Hello")
        assert (await chat.next())["code"] == "store_failed"
        access.failing = False
        await chat.socket.send("Hello")
        await chat.until("final_answer")
