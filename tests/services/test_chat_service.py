"""The chat service: the way of one question, whole and streamed, kept and cached."""

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from app.domain.answers import AnswerMode, Outcome
from app.domain.conversations import Question, Role, Turn
from app.domain.events import AnswerFinished, ChatEvent, EvidenceFound, SourceCited, TextSaid
from app.errors import NotFound
from app.services.answering import messages, prompting
from app.services.answering.composer import ComposeRules
from app.services.chat import ChatService
from app.services.conversation.memory import TURNS
from tests.answer_builders import PRINTER, TEAMS, VPN, WIKI, chat_of, comparable, page, release_of
from tests.answer_spies import DictCache, SpyGenerator, SpyStore

RELEASE = release_of(TEAMS, VPN, PRINTER, WIKI)
ASKED = Question("vpn error 809", owner="ann", max_tokens=500)
UNKNOWN = Question("how do I bake sourdough bread", owner="ann")
GENERATE = ComposeRules(AnswerMode.GENERATE)


async def events_of(chat: ChatService, question: Question) -> list[ChatEvent]:
    async with aclosing(chat.stream(question)) as stream:
        return [event async for event in stream]


def turn(number: int, role: Role, content: str) -> Turn:
    return Turn(f"t{number}", role, content, datetime(2026, 11, 21, 9, number, tzinfo=UTC))


async def test_a_question_is_answered_from_its_evidence() -> None:
    answer = await chat_of(RELEASE).ask(ASKED)
    assert answer.draft.outcome is Outcome.ANSWERED
    assert answer.hits[0].document.id == VPN.id
    assert answer.draft.text.startswith("1. Restart the router and connect the VPN again. [1]\n2. ")
    assert answer.query == ASKED.text
    assert answer.language == "en"
    assert answer.answerability == answer.hits[0].score
    assert answer.processing_time > 0
    assert answer.timestamp.tzinfo is UTC
    assert not answer.cached


async def test_without_evidence_there_is_a_refusal_and_no_model_call() -> None:
    spy = SpyGenerator("Anything.")
    answer = await chat_of(RELEASE, generator=spy, rules=GENERATE, threshold=0.5, language="de").ask(UNKNOWN)
    assert answer.draft.outcome is Outcome.NO_CONTEXT
    assert answer.draft.text == messages.no_context("de")
    assert (answer.draft.citations, answer.draft.sentences) == ((), ())
    assert answer.draft.usage.total_tokens == 0
    assert answer.draft.model == "none"
    assert spy.prompts == []


async def test_with_evidence_the_model_is_asked_once() -> None:
    spy = SpyGenerator("Restart the router and connect the VPN again.\nAllow UDP ports 500 and 4500 in the firewall.")
    answer = await chat_of(RELEASE, generator=spy, rules=GENERATE).ask(ASKED)
    assert answer.draft.model == "spy"
    assert len(spy.prompts) == 1
    assert spy.prompts[0].system == prompting.SYSTEM
    assert f"Question: {ASKED.text}" in spy.prompts[0].user


async def test_evidence_that_does_not_fit_is_said_not_to() -> None:
    wordy = page("w", "Bread", f"To bake bread {'knead the dough ' * 30}well.")
    answer = await chat_of(release_of(wordy, VPN), language="fr").ask(
        replace(UNKNOWN, text="bake bread dough", max_tokens=50)
    )
    assert answer.draft.text == messages.no_room("fr")
    assert answer.draft.outcome is Outcome.PARTIAL
    assert answer.draft.citations == ()


async def test_question_and_answer_are_appended_in_one_step() -> None:
    store = SpyStore()
    answer = await chat_of(RELEASE, store=store).ask(ASKED)
    [(owner, conversation_id, turns)] = store.appended
    assert (owner, conversation_id) == ("ann", answer.conversation_id)
    assert [(item.role, item.content) for item in turns] == [
        (Role.USER, ASKED.text),
        (Role.ASSISTANT, answer.draft.text),
    ]
    assert turns[1].id == answer.message_id
    assert turns[0].id != turns[1].id
    assert [item.outcome for item in turns] == [None, "answered"]
    assert answer.persisted


async def test_a_refusal_is_kept_as_well() -> None:
    store = SpyStore()
    answer = await chat_of(RELEASE, store=store, threshold=0.5).ask(UNKNOWN)
    assert [item.outcome for item in store.appended[0][2]] == [None, "no_context"]
    assert answer.persisted


async def test_a_store_that_fails_costs_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    store = SpyStore()
    store.broken = True
    with caplog.at_level(logging.WARNING):
        answer = await chat_of(RELEASE, store=store).ask(ASKED)
    assert answer.draft.outcome is Outcome.ANSWERED
    assert not answer.persisted
    assert "conversation not persisted" in caplog.text
    assert len(store.appended) == 1


async def test_a_conversation_goes_on_under_its_id() -> None:
    chat = chat_of(RELEASE)
    first = await chat.ask(ASKED)
    second = await chat.ask(replace(ASKED, conversation_id=first.conversation_id))
    assert second.conversation_id == first.conversation_id
    assert second.message_id != first.message_id


async def test_anothers_conversation_is_not_found_and_nothing_is_said_or_kept() -> None:
    store = SpyStore()
    chat = chat_of(RELEASE, store=store)
    mine = await chat.ask(ASKED)
    for owner, conversation_id in (("bob", mine.conversation_id), ("ann", "unknown")):
        with pytest.raises(NotFound):
            await events_of(chat, replace(ASKED, owner=owner, conversation_id=conversation_id))
    assert len(store.appended) == 1


class LimitStore(SpyStore):
    """Keeps the limits it was asked with."""

    limits: ClassVar[list[int]] = []

    async def history(self, owner: str, conversation_id: str, limit: int, until: int | None = None) -> tuple[Turn, ...]:
        self.limits.append(limit)
        return await super().history(owner, conversation_id, limit, until)


async def test_a_follow_up_leans_on_the_last_turns() -> None:
    store = LimitStore()
    turns = [turn(at, Role.USER if at % 2 == 0 else Role.ASSISTANT, f"line {at}") for at in range(10)]
    turns[8] = turn(8, Role.USER, "vpn error 809")
    await store.append("ann", "c", turns)
    answer = await chat_of(RELEASE, store=store).ask(replace(ASKED, text="and?", conversation_id="c"))
    assert answer.hits[0].document.id == VPN.id
    assert store.limits == [TURNS]


async def test_asking_is_the_stream_gathered() -> None:
    asked = await chat_of(RELEASE).ask(ASKED)
    events = await events_of(chat_of(RELEASE), ASKED)
    text = "".join(event.text for event in events if isinstance(event, TextSaid))
    cited = tuple(event.citation for event in events if isinstance(event, SourceCited))
    finished = events[-1]
    assert isinstance(finished, AnswerFinished)
    assert text == asked.draft.text == finished.answer.draft.text
    assert cited == asked.draft.citations
    assert comparable(finished.answer) == comparable(asked)


async def test_evidence_comes_first_then_sentences_with_their_sources_then_the_answer() -> None:
    events = await events_of(chat_of(RELEASE), ASKED)
    kinds = [type(event) for event in events]
    said = [TextSaid, SourceCited, *[TextSaid] * 5, SourceCited, TextSaid]
    assert kinds == [EvidenceFound, *said, AnswerFinished]


async def test_evidence_is_told_before_the_model_has_written() -> None:
    spy = SpyGenerator(hang=True)
    stream = chat_of(RELEASE, generator=spy, rules=GENERATE).stream(ASKED)
    assert isinstance(await anext(stream), EvidenceFound)
    assert spy.told == ""
    await stream.aclose()


async def test_a_stream_closed_early_leaves_nothing_running_or_kept() -> None:
    store, cache, spy = SpyStore(), DictCache(), SpyGenerator(hang=True)
    before = asyncio.all_tasks()
    stream = chat_of(RELEASE, generator=spy, rules=GENERATE, store=store, cache=cache).stream(ASKED)
    await anext(stream)
    waiting = asyncio.ensure_future(anext(stream))
    await spy.begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await stream.aclose()
    assert spy.cancelled == 1
    assert (store.appended, cache.values) == ([], {})
    assert asyncio.all_tasks() == before


async def test_asking_that_is_cancelled_leaves_nothing_running() -> None:
    spy = SpyGenerator(hang=True)
    asking = asyncio.ensure_future(chat_of(RELEASE, generator=spy, rules=GENERATE).ask(ASKED))
    await spy.begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert spy.cancelled == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_time_is_measured_by_the_clock_given() -> None:
    chat = chat_of(RELEASE)
    ticks = iter([10.0, 12.5])
    chat._clock = lambda: next(ticks)
    assert (await chat.ask(ASKED)).processing_time == 2.5
