"""The chat service and its cache: asked again, answered the same; anything else, answered anew."""

from dataclasses import replace

import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.domain.answers import AnswerMode
from app.domain.conversations import Device, Question
from app.domain.retrieval import Filters
from app.services.answering.composer import ComposeRules
from app.services.retrieval.calibration import UNCALIBRATED
from app.services.retrieval.retriever import RetrievalRules, Retriever
from tests.answer_builders import PRINTER, TEAMS, VPN, WIKI, chat_of, comparable, release_of
from tests.answer_spies import DictCache, SpyGenerator, SpyStore

RELEASE = release_of(TEAMS, VPN, PRINTER, WIKI)
ASKED = Question("vpn error 809", owner="ann", max_tokens=500)
UNKNOWN = Question("how do I bake sourdough bread", owner="ann")
GENERATE = ComposeRules(AnswerMode.GENERATE)


async def test_the_same_question_again_is_answered_from_the_cache() -> None:
    spy = SpyGenerator("Restart the router and connect the VPN again.\nAllow UDP ports 500 and 4500 in the firewall.")
    store = SpyStore()
    chat = chat_of(RELEASE, generator=spy, rules=GENERATE, store=store)
    first, second = await chat.ask(ASKED), await chat.ask(ASKED)
    assert (first.cached, second.cached) == (False, True)
    assert comparable(first) == comparable(second)
    assert first.message_id != second.message_id
    assert first.conversation_id != second.conversation_id
    assert len(spy.prompts) == 1
    assert len(store.appended) == 2


async def test_a_refusal_is_cached_too() -> None:
    chat = chat_of(RELEASE, threshold=0.5)
    first, second = await chat.ask(UNKNOWN), await chat.ask(UNKNOWN)
    assert second.cached
    assert second.draft == first.draft


async def test_white_space_does_not_make_another_question() -> None:
    chat = chat_of(RELEASE)
    await chat.ask(ASKED)
    assert (await chat.ask(replace(ASKED, text="  vpn \n error 809 "))).cached


OTHERS = {
    "text": replace(ASKED, text="vpn error 810"),
    "case": replace(ASKED, text="VPN error 809"),
    "top_k": replace(ASKED, top_k=3),
    "max_tokens": replace(ASKED, max_tokens=499),
    "language": replace(ASKED, language="de"),
    "device": replace(ASKED, device=Device(os="Windows 11")),
    "site": replace(ASKED, device=Device(site="Berlin")),
    "filters": replace(ASKED, filters=Filters({"category": frozenset({"vpn"})})),
}


@pytest.mark.parametrize("what", OTHERS)
async def test_what_changes_the_question_misses_the_cache(what: str) -> None:
    chat = chat_of(RELEASE)
    await chat.ask(ASKED)
    assert not (await chat.ask(OTHERS[what])).cached
    assert (await chat.ask(OTHERS[what])).cached


async def test_another_history_misses_the_cache() -> None:
    chat = chat_of(RELEASE)
    first = await chat.ask(ASKED)
    follow = replace(ASKED, conversation_id=first.conversation_id)
    assert not (await chat.ask(follow)).cached
    assert not (await chat.ask(follow)).cached


async def test_another_person_asking_the_same_gets_the_same_answer() -> None:
    chat = chat_of(RELEASE)
    await chat.ask(ASKED)
    assert (await chat.ask(replace(ASKED, owner="bob"))).cached


async def test_another_release_model_mode_or_threshold_misses_the_cache() -> None:
    cache = DictCache()
    measured = ComposeRules(AnswerMode.AUTO, {"spy": {"steps": "generate"}})
    chats = [
        chat_of(RELEASE, cache=cache),
        chat_of(release_of(TEAMS, VPN, PRINTER, WIKI, name="r2"), cache=cache),
        chat_of(RELEASE, cache=cache, generator=SpyGenerator("x")),
        chat_of(RELEASE, cache=cache, generator=SpyGenerator("x", model_id="other")),
        chat_of(RELEASE, cache=cache, generator=SpyGenerator("x"), rules=GENERATE),
        chat_of(RELEASE, cache=cache, generator=SpyGenerator("x"), rules=measured),
        chat_of(RELEASE, cache=cache, threshold=0.3),
        chat_of(RELEASE, cache=cache, language="es"),
    ]
    assert [(await chat.ask(ASKED)).cached for chat in chats] == [False] * len(chats)
    assert [(await chat.ask(ASKED)).cached for chat in chats] == [True] * len(chats)


@pytest.mark.parametrize("value", [b"", b"garbage", b"{}", b"[" * 100_000, b"\xff\xfe", b"null"])
async def test_a_cache_that_holds_nonsense_counts_as_empty(value: bytes) -> None:
    cache = DictCache()
    chat = chat_of(RELEASE, cache=cache)
    first = await chat.ask(ASKED)
    [key] = cache.values
    cache.values[key] = value
    second = await chat.ask(ASKED)
    assert not second.cached
    assert comparable(second) == comparable(first)
    assert (await chat.ask(ASKED)).cached


KNOBS = RetrievalRules(0.2, UNCALIBRATED, 0.2)


@pytest.mark.parametrize(
    "other",
    [
        replace(KNOBS, lexical_weight=0.3),
        replace(KNOBS, threshold=0.3),
        replace(KNOBS, calibration=replace(UNCALIBRATED, bias=-5.0)),
        replace(KNOBS, calibration=replace(UNCALIBRATED, weights=(1.0, *UNCALIBRATED.weights[1:]))),
        replace(KNOBS, glossaries={"de": {"Drucker": "printer"}}),
    ],
)
def test_every_knob_of_the_retrieval_is_part_of_its_name(other: RetrievalRules) -> None:
    one, same, another = (
        Retriever(RELEASE, HashingEmbedder(), rules, lambda _text: "en").rules_version
        for rules in (KNOBS, KNOBS, other)
    )
    assert one == same != another
