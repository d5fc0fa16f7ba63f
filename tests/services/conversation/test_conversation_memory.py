"""What was before a question, and how it steers the answer."""

from datetime import UTC, datetime

import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index.analysis import analyse
from app.adapters.stores.memory_store import MemoryStore
from app.domain.answers import AnswerMode, Outcome
from app.domain.conversations import Attachment, AttachmentKind, Question, Role, Turn
from app.errors import NotFound, StoreFailed
from app.services.answering.composer import Composer, ComposeRules
from app.services.chat import ChatService
from app.services.conversation.budget import Budget
from app.services.conversation.memory import TURNS, Before, ConversationMemory
from app.services.conversation.own_knowledge import OwnKnowledge
from app.services.conversation.summaries import Conversations
from app.services.summarising import Summariser
from tests.answer_builders import PRINTER, TEAMS, VPN, WIKI, grounder_of, release_of, search_of, words
from tests.answer_spies import DictCache, SpyGenerator

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
RELEASE = release_of(TEAMS, VPN, PRINTER, WIKI)
EXAMPLE = Attachment(
    "e1", AttachmentKind.EXAMPLE, "how do I order a headset", ("Write to the equipment desk in room 12.",), NOON
)
ASKED = Question("how do I order a headset", owner="ann", conversation_id="c1")


class Broken(MemoryStore):
    async def history(self, owner: str, conversation_id: str, limit: int, until: int | None = None) -> tuple[Turn, ...]:
        raise StoreFailed(owner, f"{conversation_id} {limit} {until}")


class Vanishing(MemoryStore):
    async def attachments(self, owner: str, conversation_id: str) -> tuple[Attachment, ...]:
        raise NotFound(f"{owner} {conversation_id}")


class HalfBroken(MemoryStore):
    async def attachments(self, owner: str, conversation_id: str) -> tuple[Attachment, ...]:
        raise StoreFailed(owner, conversation_id)


def talk(count: int) -> tuple[Turn, ...]:
    return tuple(
        Turn(f"t{at}", Role.ASSISTANT if at % 2 else Role.USER, f"message {at} about VPN error 809", NOON)
        for at in range(count)
    )


def chat_over(store: MemoryStore, spy: SpyGenerator | None = None, cache: DictCache | None = None) -> ChatService:
    rules = ComposeRules(AnswerMode.GENERATE if spy else AnswerMode.EXTRACT)
    composer = Composer(words, spy, grounder_of(RELEASE), rules)
    budget = Conversations(Summariser(HashingEmbedder(), words), store, words, Budget(600, 50))
    return ChatService(
        search=search_of(RELEASE, threshold=0.01 if spy else 0.2).pinned,
        composer=composer,
        store=store,
        cache=cache or DictCache(),
        memory=ConversationMemory(store, store, budget if composer.writes else None),
        own=OwnKnowledge(HashingEmbedder(), analyse),
    )


async def test_a_first_question_has_nothing_before_it() -> None:
    assert await ConversationMemory(Broken()).before(Question("x"), 0) == Before()


async def test_the_last_turns_are_what_a_follow_up_leans_on() -> None:
    store = MemoryStore()
    await store.append("ann", "c1", talk(9))
    before = await ConversationMemory(store, store).before(ASKED, 0)
    assert before == Before(turns=talk(9)[-TURNS:])


@pytest.mark.parametrize("store", [Broken(), HalfBroken()])
async def test_where_the_store_fails_a_question_stands_alone(store: MemoryStore) -> None:
    await store.append("ann", "c1", talk(2))
    assert await ConversationMemory(store, store).before(ASKED, 0) == Before()


async def test_a_conversation_taken_away_meanwhile_has_no_files() -> None:
    store = Vanishing()
    await store.append("ann", "c1", talk(2))
    assert await ConversationMemory(store, store).before(ASKED, 0) == Before(turns=talk(2))


async def test_anothers_conversation_is_not_found() -> None:
    store = MemoryStore()
    await store.append("bob", "c1", talk(2))
    with pytest.raises(NotFound):
        await ConversationMemory(store, store).before(ASKED, 0)


async def test_an_example_steers_the_answer_of_its_conversation_only() -> None:
    store, cache = MemoryStore(), DictCache()
    await store.attach("ann", "c1", EXAMPLE)
    await store.append("ann", "c2", ())
    chat = chat_over(store, cache=cache)
    steered = await chat.ask(ASKED)
    assert steered.draft.text == "Write to the equipment desk in room 12. [1]"
    assert steered.draft.citations[0].document_id == "e1"
    assert cache.values == {}
    elsewhere = await chat.ask(Question(ASKED.text, owner="ann", conversation_id="c2"))
    assert elsewhere.draft.outcome is Outcome.NO_CONTEXT


async def test_a_model_is_shown_the_examples_and_for_a_follow_up_the_conversation() -> None:
    store, spy = MemoryStore(), SpyGenerator("1. Restart the router and connect the VPN again.")
    await store.attach("ann", "c1", EXAMPLE)
    chat = chat_over(store, spy)
    await chat.ask(Question("vpn error 809", owner="ann", conversation_id="c1"))
    await chat.ask(Question("and on a Mac?", owner="ann", conversation_id="c1"))
    first, second = (prompt.user for prompt in spy.prompts)
    example = "Example question: how do I order a headset\nExample answer: Write to the equipment desk in room 12."
    assert first.startswith(example)
    assert "Conversation so far:" not in first
    assert "Conversation so far:\nuser: vpn error 809\nassistant: " in second
    assert second.endswith("Question: and on a Mac?\n\nAnswer in numbered steps:")


async def test_a_long_conversation_is_summarised_once_and_the_summary_kept() -> None:
    store, spy = MemoryStore(), SpyGenerator("1. Restart the router and connect the VPN again.")
    await store.append("ann", "c1", talk(120))
    chat = chat_over(store, spy)
    answer = await chat.ask(Question("and then?", owner="ann", conversation_id="c1"))
    kept = await store.summary("ann", "c1")
    assert kept is not None
    assert f"Earlier, in short: {kept.text}" in spy.prompts[0].user
    assert words(spy.prompts[0].user) <= 600
    assert answer.persisted


async def test_answers_are_kept_with_what_they_cite() -> None:
    store = MemoryStore()
    answer = await chat_over(store).ask(Question("vpn error 809", owner="ann", question_id="q1", answer_id="a1"))
    asked, said = await store.history("ann", answer.conversation_id, 2)
    assert (asked.id, said.id) == ("q1", "a1") == ("q1", answer.message_id)
    assert said.citations == answer.draft.citations != ()
