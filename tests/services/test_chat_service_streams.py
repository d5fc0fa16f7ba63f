"""The chat service while a model writes: streamed, plain and kept answers; readers who leave; models that die."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace

import pytest

from app.domain.answers import AnswerMode, Outcome
from app.domain.conversations import CANCELLED, Question, Role
from app.domain.events import AnswerFinished, ChatEvent, SourceCited, TextSaid
from app.errors import GenerationFailed
from app.services.answering.composer import ComposeRules
from app.services.chat import ChatService
from tests.answer_builders import PRINTER, TEAMS, VPN, chat_of, comparable, release_of
from tests.answer_spies import DictCache, SpyGenerator, SpyStore

RELEASE = release_of(TEAMS, VPN, PRINTER)
ASKED = Question("vpn error 809", owner="ann", max_tokens=500)
GENERATE = ComposeRules(AnswerMode.GENERATE)
SAID = "1. Restart the router and connect the VPN again.\n2. Never share your password with anybody.\nBuy a new one.\n"
TOLD = "1. Restart the router and connect the VPN again. [1]\n2. Never share your password with anybody. [1]"


async def events_of(chat: ChatService) -> list[ChatEvent]:
    async with aclosing(chat.stream(ASKED)) as stream:
        return [event async for event in stream]


def said_in(events: list[ChatEvent]) -> list[ChatEvent]:
    return [event for event in events if isinstance(event, TextSaid | SourceCited)]


@pytest.mark.parametrize("text", [SAID, "Uninstall it.", None])
async def test_streamed_plain_and_kept_answers_are_the_same(text: str | None) -> None:
    generator = None if text is None else SpyGenerator(text)
    cache = DictCache()
    chat = chat_of(RELEASE, generator=generator, rules=GENERATE, cache=cache)
    written = await events_of(chat)
    kept = await events_of(chat)
    plain = await chat_of(RELEASE, generator=generator, rules=GENERATE).ask(ASKED)
    assert said_in(written) == said_in(kept) != []
    finished, again = written[-1], kept[-1]
    assert isinstance(finished, AnswerFinished)
    assert isinstance(again, AnswerFinished)
    assert (finished.answer.cached, again.answer.cached) == (False, True)
    assert comparable(finished.answer) == comparable(again.answer) == comparable(plain)
    assert "".join(event.text for event in said_in(written) if isinstance(event, TextSaid)) == plain.draft.text


async def test_sentences_are_told_while_the_model_writes() -> None:
    spy = SpyGenerator(SAID, hang=True)
    stream = chat_of(RELEASE, generator=spy, rules=GENERATE).stream(ASKED)
    heard = [await anext(stream) for _ in range(4)]
    assert "".join(event.text for event in heard if isinstance(event, TextSaid)) == TOLD
    await stream.aclose()
    assert spy.cancelled == 1


async def left(chat: ChatService, spy: SpyGenerator) -> None:
    """Ask, and leave while the model writes."""
    reading = asyncio.create_task(events_of(chat))
    await spy.begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.parametrize("known", [True, False])
async def test_what_was_said_before_a_reader_left_is_kept_as_cancelled(known: bool) -> None:
    store, cache, spy = SpyStore(), DictCache(), SpyGenerator(SAID, hang=True)
    if known:
        await store.append("ann", "c", ())
    chat = chat_of(RELEASE, generator=spy, rules=GENERATE, store=store, cache=cache)
    asked = replace(ASKED, conversation_id=None)
    chat_events = chat.stream(asked)
    heard = [await anext(chat_events) for _ in range(4)]
    begun = time.monotonic()
    await chat_events.aclose()
    assert time.monotonic() - begun < 1
    assert len(heard) == 4
    (_, _, turns) = store.appended[-1]
    assert [(turn.role, turn.content, turn.outcome) for turn in turns] == [
        (Role.USER, ASKED.text, None),
        (Role.ASSISTANT, TOLD, CANCELLED),
    ]
    assert (cache.values, spy.cancelled) == ({}, 1)


async def test_a_reader_who_is_cancelled_leaves_no_task_behind() -> None:
    store, spy = SpyStore(), SpyGenerator(SAID, hang=True)
    before = asyncio.all_tasks()
    await left(chat_of(RELEASE, generator=spy, rules=GENERATE, store=store), spy)
    assert asyncio.all_tasks() == before
    assert [turn.outcome for turn in store.appended[0][2]] == [None, CANCELLED]


class SlowStore(SpyStore):
    """Takes a while, as a server does."""

    async def append(self, owner: str, conversation_id: str, turns: object) -> None:
        await asyncio.sleep(0.05)
        await super().append(owner, conversation_id, turns)  # type: ignore[arg-type]


async def test_a_cancelled_turn_is_kept_though_its_reader_is_cancelled_at_every_await() -> None:
    store, spy = SlowStore(), SpyGenerator(SAID, hang=True)
    chat = chat_of(RELEASE, generator=spy, rules=GENERATE, store=store)
    reading = asyncio.create_task(events_of(chat))
    await spy.begun.wait()
    while not reading.done():
        reading.cancel()
        await asyncio.sleep(0)
    assert store.appended == []
    await asyncio.gather(*chat._keeping)
    assert [turn.outcome for turn in store.appended[0][2]] == [None, CANCELLED]
    assert chat._keeping == set()


async def test_a_store_that_fails_then_is_no_error() -> None:
    store, spy = SpyStore(), SpyGenerator(SAID, hang=True)
    store.broken = True
    await left(chat_of(RELEASE, generator=spy, rules=GENERATE, store=store), spy)
    assert len(store.appended) == 1


@pytest.mark.parametrize(("text", "outcome"), [(SAID, Outcome.PARTIAL), ("1. Restart", Outcome.ANSWERED)])
async def test_an_answer_of_a_model_that_died_is_degraded_kept_and_not_cached(text: str, outcome: Outcome) -> None:
    store, cache = SpyStore(), DictCache()
    spy = SpyGenerator(text, GenerationFailed("model", "gone"))
    answer = await chat_of(RELEASE, generator=spy, rules=GENERATE, store=store, cache=cache).ask(ASKED)
    assert (answer.draft.degraded, answer.draft.outcome) == (True, outcome)
    assert cache.values == {}
    assert store.appended[0][2][1].outcome == outcome.value


async def test_what_was_kept_before_costs_no_model_call() -> None:
    cache, spy = DictCache(), SpyGenerator(SAID)
    chat = chat_of(RELEASE, generator=spy, rules=GENERATE, cache=cache)
    await chat.ask(ASKED)
    assert (await chat.ask(ASKED)).cached
    assert len(spy.prompts) == 1
