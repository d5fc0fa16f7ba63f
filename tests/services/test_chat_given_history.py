"""Questions of callers who keep the conversation themselves."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.domain.answers import AnswerMode
from app.domain.conversations import Question, Role, Turn
from app.domain.events import TextSaid
from app.services.answering.composer import ComposeRules
from tests.answer_builders import PRINTER, TEAMS, VPN, WIKI, chat_of, comparable, release_of
from tests.answer_spies import DictCache, SpyGenerator, SpyStore

RELEASE = release_of(TEAMS, VPN, PRINTER, WIKI)
ASKED = Question("vpn error 809", owner="ann", max_tokens=500)


def said(*contents: str) -> tuple[Turn, ...]:
    now = datetime.now(UTC)
    roles = (Role.USER, Role.ASSISTANT)
    return tuple(Turn(f"t{at}", roles[at % 2], content, now) for at, content in enumerate(contents))


async def test_a_follow_up_leans_on_the_turns_that_are_given() -> None:
    history = said("vpn error 809", "Restart the router.")
    answer = await chat_of(RELEASE).ask(replace(ASKED, text="and?", history=history))
    assert answer.hits[0].document.id == VPN.id


@pytest.mark.parametrize("history", [(), said("teams has no sound", "Choose another device.")])
async def test_they_take_the_place_of_what_is_stored(history: tuple[Turn, ...]) -> None:
    store = SpyStore()
    await store.append("ann", "c", said("vpn error 809", "Restart the router."))
    follow_up = replace(ASKED, text="and?", conversation_id="c")
    stored = await chat_of(RELEASE, store=store).ask(follow_up)
    given = await chat_of(RELEASE, store=store).ask(replace(follow_up, history=history))
    assert stored.hits[0].document.id == VPN.id
    assert not given.hits or given.hits[0].document.id != VPN.id


async def test_an_answer_is_cached_by_the_turns_that_are_given() -> None:
    cache = DictCache()
    chat = chat_of(RELEASE, cache=cache)
    first = await chat.ask(replace(ASKED, history=said("teams has no sound")))
    other = await chat.ask(replace(ASKED, history=()))
    again = await chat.ask(replace(ASKED, history=said("teams has no sound")))
    assert (first.cached, other.cached, again.cached) == (False, False, True)
    # Nothing given and nothing stored is the same conversation.
    assert (await chat.ask(ASKED)).cached


async def test_what_is_not_to_be_kept_is_answered_all_the_same() -> None:
    store = SpyStore()
    kept = await chat_of(RELEASE, store=store).ask(ASKED)
    answer = await chat_of(RELEASE, store=store).ask(replace(ASKED, keep=False))
    assert len(store.appended) == 1
    assert (kept.persisted, answer.persisted) == (True, False)
    assert comparable(replace(answer, persisted=True)) == comparable(kept)


async def test_the_answer_s_id_may_be_chosen_before() -> None:
    store = SpyStore()
    answer = await chat_of(RELEASE, store=store).ask(replace(ASKED, answer_id="m-7"))
    assert answer.message_id == "m-7"
    assert store.appended[0][2][1].id == "m-7"


@pytest.mark.parametrize("keep", [True, False])
async def test_a_reader_that_leaves_half_way_leaves_what_was_said_only_where_it_is_kept(*, keep: bool) -> None:
    store = SpyStore()
    text = "Restart the router and connect the VPN again.\nAllow UDP ports 500 and 4500 in the firewall.\n"
    chat = chat_of(
        RELEASE, generator=SpyGenerator(text, hang=True), rules=ComposeRules(AnswerMode.GENERATE), store=store
    )
    stream = chat.stream(replace(ASKED, keep=keep, answer_id="m-7"))
    async for event in stream:
        if isinstance(event, TextSaid):
            break
    await stream.aclose()
    await asyncio.sleep(0)
    assert [turns[1].id for _, _, turns in store.appended] == (["m-7"] if keep else [])
