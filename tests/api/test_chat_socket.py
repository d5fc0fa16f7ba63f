"""The plain WebSocket: greeting, typed events, resume, joining, cancelling."""

import json
import uuid

import pytest
from live_app import Parts, serving
from live_clients import key, line, text_of

from app.errors import Overloaded, ServiceError, StoreFailed
from app.services.live.rules import LiveRules
from tests.live_builders import KeyAccess, until

QUESTION = "How do I reset the VPN profile"


async def test_it_greets_and_answers_a_plain_line_in_typed_numbered_events() -> None:
    async with serving() as (_parts, port), line(port, greeted=False) as chat:
        first, second = await chat.next(), await chat.next()
        assert first["type"] == "init"
        assert first["supporter_name"] in {"Mia", "Noah"}
        assert second["type"] == "greeting"
        assert first["supporter_name"] in second["message"]
        await chat.socket.send(QUESTION)
        heard = await chat.until("final_answer")
    names = [event["type"] for event in heard]
    assert names == ["accepted", "search_results", *["message"] * 7, "citation", "final_answer"]
    assert text_of(heard).strip() == QUESTION == heard[-1]["response"]
    assert [event["seq"] for event in heard[1:]] == list(range(2, 12))
    assert {event["id"] for event in heard} == {heard[0]["id"]}
    assert heard[-1]["conversation_id"] == heard[0]["conversation_id"]


async def test_the_fields_of_a_question_are_those_of_the_rest_api() -> None:
    async with serving() as (parts, port), line(port) as chat:
        await chat.send(
            type="question",
            message=QUESTION,
            top_k=7,
            max_tokens=99,
            language="de",
            context={"os": "Windows 11"},
            filters={"category": ["vpn"]},
        )
        heard = await chat.until("final_answer")
        # The next one continues the conversation, which the store knows by now.
        await chat.send(type="question", message="and then", conversation_id=heard[0]["conversation_id"])
        await chat.until("final_answer")
    first, second = parts.chat.asked
    assert (first.top_k, first.max_tokens, first.language, first.device.os) == (7, 99, "de", "Windows 11")
    assert first.filters.must == {"category": frozenset({"vpn"})}
    assert first.history == ()
    assert second.history is None
    assert len(await parts.store.history("anonymous", heard[0]["conversation_id"], 10)) == 4


async def test_the_same_id_again_is_told_again_and_never_answered_twice() -> None:
    asked = str(uuid.uuid4())
    async with serving() as (parts, port), line(port) as chat:
        await chat.send(type="question", message=QUESTION, id=asked)
        first = await chat.until("final_answer")
        await chat.send(type="question", message=QUESTION, id=asked)
        again = await chat.until("final_answer")
        await chat.send(type="resume", id=asked, after=8)
        rest = await chat.until("final_answer")
        await chat.send(type="question", message="Something else", id=asked)
        conflict = await chat.next()
    assert first[1:] == again[1:]
    assert [event["seq"] for event in rest[1:]] == [9, 10, 11]
    assert len(parts.chat.asked) == 1
    assert (conflict["type"], conflict["code"], conflict["id"]) == ("error", "conflict", asked)


async def test_a_dropped_connection_is_resumed_while_the_answer_goes_on() -> None:
    asked = str(uuid.uuid4())
    async with serving(Parts(pace=0.05)) as (parts, port):
        async with line(port) as chat:
            await chat.send(type="question", message=QUESTION, id=asked)
            before = await chat.until("message")
        async with line(port) as chat:
            await chat.send(type="resume", id=asked, after=before[-1]["seq"])
            after = await chat.until("final_answer")
    assert text_of([*before, *after]).strip() == QUESTION
    assert [event["seq"] for event in [*before, *after] if "seq" in event] == list(range(2, 12))
    assert len(parts.chat.asked) == 1


async def test_who_comes_back_late_gets_an_answer_made_anew_and_it_is_kept_once() -> None:
    asked = str(uuid.uuid4())
    async with serving(Parts(pace=0.1)) as (parts, port):
        async with line(port) as chat:
            await chat.send(type="question", message=QUESTION, id=asked)
            before = await chat.until("message")
        assert await until(lambda: parts.chat.given_up == 1) < 1
        assert parts.live.answers.running == 0
        async with line(port) as chat:
            await chat.send(type="resume", id=asked, after=before[-1]["seq"])
            after = await chat.until("final_answer")
    assert [event["type"] for event in after][:2] == ["accepted", "restart"]
    assert text_of([*before, *after]).strip() == QUESTION
    assert parts.chat.finished == 1
    turns = await parts.store.history("anonymous", after[0]["conversation_id"], 10)
    assert [turn.outcome for turn in turns] == [None, "answered"]


async def test_what_was_said_is_kept_as_cancelled_where_nobody_comes_back() -> None:
    rules = LiveRules(partial_seconds=0.1)
    async with serving(Parts(pace=0.2, rules=rules)) as (parts, port):
        async with line(port) as chat:
            await chat.send(type="question", message=QUESTION)
            before = await chat.until("message")
        await until(lambda: parts.chat.given_up == 1)
        conversation = before[0]["conversation_id"]
        await until(lambda: ("anonymous", conversation) in parts.store._kept)  # type: ignore[attr-defined]
        asked, partial = await parts.store.history("anonymous", conversation, 10)
    assert (asked.content, partial.outcome) == (QUESTION, "cancelled")
    assert QUESTION.startswith(partial.content.strip())


async def test_a_question_is_cancelled_while_it_runs_and_while_it_waits() -> None:
    running, waiting = str(uuid.uuid4()), str(uuid.uuid4())
    async with serving(Parts(pace=0.2)) as (parts, port), line(port) as chat:
        await chat.send(type="question", message=QUESTION, id=running)
        await chat.send(type="question", message="Wait", id=waiting)
        await chat.until("message")
        await chat.send(type="cancel", id=waiting)
        assert (await chat.until("cancelled"))[-1]["id"] == waiting
        await chat.send(type="cancel", id=running)
        assert (await chat.until("cancelled"))[-1]["id"] == running
        await chat.send(type="cancel", id=running)
        assert (await chat.next())["code"] == "not_found"
        await chat.send(type="resume", id=running, after=0)
        assert (await chat.until("final_answer"))[-1]["response"] == QUESTION
    assert parts.chat.given_up == 1


async def test_connections_that_joined_hear_what_others_are_answered() -> None:
    access = KeyAccess()
    async with serving(Parts(pace=0.02, access=access)) as (_parts, port), line(port, **key("anna")) as chat:
        await chat.socket.send("first words")
        conversation = (await chat.until("final_answer"))[0]["conversation_id"]
        async with line(port, **key("anna")) as other, line(port, **key("bert")) as stranger:
            await other.send(type="join", conversation_id=conversation)
            assert (await other.next())["type"] == "joined"
            await stranger.send(type="join", conversation_id=conversation)
            assert (await stranger.next())["code"] == "not_found"
            await chat.send(type="question", message=QUESTION, conversation_id=conversation)
            heard = await other.until("final_answer")
    assert heard[0]["type"] == "question"
    assert heard[0]["message"] == QUESTION
    assert text_of(heard).strip() == QUESTION


async def test_questions_are_another_owners_even_under_the_same_id() -> None:
    asked = str(uuid.uuid4())
    async with serving(Parts(access=KeyAccess())) as (parts, port):
        async with line(port, **key("anna")) as chat:
            await chat.send(type="question", message=QUESTION, id=asked)
            await chat.until("final_answer")
        async with line(port, **key("bert")) as chat:
            await chat.send(type="resume", id=asked)
            assert (await chat.next())["code"] == "not_found"
            await chat.send(type="question", message="Mine", id=asked)
            assert (await chat.until("final_answer"))[-1]["response"] == "Mine"
    assert {question.owner for question in parts.chat.asked} == {"anna", "bert"}


@pytest.mark.parametrize("error", [Overloaded("service", 7.0), StoreFailed("sqlite", "gone")])
async def test_a_failure_is_told_and_the_same_id_is_answered_afterwards(error: ServiceError) -> None:
    asked = str(uuid.uuid4())
    async with serving() as (parts, port), line(port) as chat:
        parts.chat.error = error
        await chat.send(type="question", message=QUESTION, id=asked)
        failed = (await chat.until("error"))[-1]
        assert (failed["code"], failed["id"]) == (error.code, asked)
        assert failed.get("retry_after") == getattr(error, "retry_after", None)
        await chat.send(type="resume", id=asked, after=0)
        assert (await chat.until("error"))[-1]["code"] == error.code
        parts.chat.error = None
        await chat.send(type="question", message=QUESTION, id=asked)
        assert (await chat.until("final_answer"))[-1]["response"] == QUESTION


async def test_more_than_there_is_room_for_is_refused_with_the_time_to_come_back() -> None:
    async with serving(Parts(pace=0.2, places=1, queue=0)) as (_parts, port), line(port) as one, line(port) as two:
        await one.socket.send(QUESTION)
        await one.until("search_results")
        await two.socket.send(QUESTION)
        refused = (await two.until("error"))[-1]
        assert refused["code"] == "overloaded"
        assert refused["retry_after"] >= 1
        for _ in range(9):
            await one.socket.send("One more")
        assert (await one.until("error"))[-1]["code"] == "overloaded"


async def test_pings_are_answered_and_come_where_it_is_quiet_until_it_is_too_quiet() -> None:
    rules = LiveRules(ping_seconds=0.05, idle_seconds=0.2)
    async with serving(Parts(rules=rules)) as (_parts, port), line(port) as chat:
        await chat.send(type="ping")
        assert (await chat.until("pong"))[-1] == {"type": "pong"}
        assert (await chat.until("ping"))[-1] == {"type": "ping"}
        await chat.send(type="pong")
        assert await chat.closed() == 4408


async def test_what_is_told_is_json_that_names_its_type_first() -> None:
    async with serving() as (_parts, port), line(port) as chat:
        await chat.socket.send(QUESTION)
        raw = str(await chat.socket.recv())
    assert raw.startswith('{"type":"accepted"')
    assert json.loads(raw)["id"]
