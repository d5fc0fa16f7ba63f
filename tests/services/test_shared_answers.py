"""The chat service asked the same by many at once: one answer is made, and everybody has it, in a turn of their own."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from app.domain.answers import AnswerMode
from app.domain.conversations import Question
from app.domain.events import AnswerFinished, ChatEvent
from app.errors import GenerationFailed
from app.services.answering.composer import ComposeRules
from app.services.chat import ChatService
from tests.answer_builders import PRINTER, TEAMS, VPN, WIKI, chat_of, comparable, release_of, search_of
from tests.answer_spies import DictCache, SpyGenerator, SpyStore

RELEASE = release_of(TEAMS, VPN, PRINTER, WIKI)
ASKED = Question("vpn error 809", owner="ann", max_tokens=500)
GENERATE = ComposeRules(AnswerMode.GENERATE)
SAID = "Restart the router and connect the VPN again.\nAllow UDP ports 500 and 4500 in the firewall."


async def events_of(chat: ChatService, question: Question = ASKED) -> list[ChatEvent]:
    async with aclosing(chat.stream(question)) as events:
        return [event async for event in events]


async def test_a_thousand_equal_cold_questions_cost_one_generation() -> None:
    spy, store = SpyGenerator(SAID), SpyStore()
    chat = chat_of(RELEASE, generator=spy, rules=GENERATE, store=store)
    answers = await asyncio.gather(*(chat.ask(replace(ASKED, owner=f"u{n}")) for n in range(1000)))
    assert len(spy.prompts) == 1
    assert {comparable(answer).draft.text for answer in answers} == {answers[0].draft.text}
    assert not any(answer.cached for answer in answers)
    assert len({answer.conversation_id for answer in answers}) == len(store.appended) == 1000


async def test_streams_and_plain_questions_share_one_generation() -> None:
    spy = SpyGenerator(SAID)
    chat = chat_of(RELEASE, generator=spy, rules=GENERATE)
    told, plain, again = await asyncio.gather(events_of(chat), chat.ask(ASKED), events_of(chat))
    assert len(spy.prompts) == 1
    assert told[:-1] == again[:-1]
    assert isinstance(told[-1], AnswerFinished)
    assert comparable(told[-1].answer) == comparable(plain)


async def test_the_leader_leaving_cancels_nothing_for_the_others() -> None:
    spy = SpyGenerator(SAID, hang=True)
    chat = chat_of(RELEASE, generator=spy, rules=GENERATE)
    leader, follower = asyncio.create_task(chat.ask(ASKED)), asyncio.create_task(chat.ask(ASKED))
    await spy.begun.wait()
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    assert spy.cancelled == 0
    follower.cancel()
    with pytest.raises(asyncio.CancelledError):
        await follower
    assert spy.cancelled == 1


async def test_an_answer_that_stands_in_for_a_failed_model_reaches_all_and_is_not_kept() -> None:
    spy, cache = SpyGenerator(error=GenerationFailed("spy", "broken")), DictCache()
    chat = chat_of(RELEASE, generator=spy, rules=GENERATE, cache=cache)
    answers = await asyncio.gather(*(chat.ask(ASKED) for _ in range(20)))
    assert all(answer.draft.degraded for answer in answers)
    assert len(spy.prompts) == 1
    assert not cache.values
    await chat.ask(ASKED)
    assert len(spy.prompts) == 2


class _Broken(SpyGenerator):
    """Fails in a way nobody foresaw."""

    def count_tokens(self, text: str) -> int:
        raise ZeroDivisionError(text)


async def test_a_failure_reaches_everybody_and_is_not_kept() -> None:
    chat = chat_of(RELEASE, generator=_Broken(SAID), rules=GENERATE)
    ends = await asyncio.gather(*(chat.ask(ASKED) for _ in range(20)), return_exceptions=True)
    assert {type(end) for end in ends} == {ZeroDivisionError}
    before = asyncio.all_tasks()
    with pytest.raises(ZeroDivisionError):
        await chat.ask(ASKED)
    assert asyncio.all_tasks() == before


class _Shelf:
    """Leases two services share."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}

    async def take(self, key: str, owner: str, _seconds: float) -> bool:
        await asyncio.sleep(0)
        return self.owners.setdefault(key, owner) == owner

    async def renew(self, _key: str, _owner: str, _seconds: float) -> bool:
        return True

    async def release(self, key: str, owner: str) -> None:
        assert self.owners.pop(key) == owner


async def test_two_processes_that_share_cache_and_leases_make_one_answer() -> None:
    cache, shelf, spies = DictCache(), _Shelf(), [SpyGenerator(SAID), SpyGenerator(SAID)]
    chats = [
        ChatService(
            search=search_of(RELEASE).pinned,
            composer=chat_of(RELEASE, generator=spy, rules=GENERATE)._composer,
            store=SpyStore(),
            cache=cache,
            leases=shelf,
        )
        for spy in spies
    ]
    answers = await asyncio.gather(*(chat.ask(ASKED) for chat in chats for _ in range(50)))
    assert sum(len(spy.prompts) for spy in spies) == 1
    assert {answer.draft.text for answer in answers} == {answers[0].draft.text}
    assert sum(answer.cached for answer in answers) == 50
    assert not shelf.owners
