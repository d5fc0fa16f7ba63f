"""Conversations longer than their budget: summarised, kept, never without the question."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.stores.memory_store import MemoryStore
from app.domain.answers import Usage
from app.domain.conversations import Question, Role, Summary, Turn
from app.errors import DependencyFailed, NotFound, Overloaded, StoreFailed
from app.services.conversation.budget import Budget
from app.services.conversation.summaries import Context, Conversations
from app.services.summarising import Part, Summarised

NOON = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Scripted:
    """Summarises by the first words, `longer` than asked for, or fails."""

    longer: int = 0
    error: Exception | None = None
    usage: Usage = field(default_factory=Usage)
    asked: list[list[str]] = field(default_factory=list)
    language: str = ""

    async def summarise(self, parts: Sequence[Part], max_tokens: int, language: str = "en") -> Summarised:
        self.asked.append([part.text for part in parts])
        self.language = language
        if self.error is not None:
            raise self.error
        text = " ".join(part.text for part in parts)
        return Summarised(text[: max(0, max_tokens) + self.longer], usage=self.usage)


class Forgetful(MemoryStore):
    """Keeps turns, and fails at summaries."""

    async def summary(self, owner: str, conversation_id: str) -> Summary | None:
        raise StoreFailed(owner, conversation_id)

    async def keep_summary(self, owner: str, conversation_id: str, summary: Summary) -> None:
        raise StoreFailed(owner, f"{conversation_id} {summary}")


def talk(*contents: str, begin: int = 0) -> tuple[Turn, ...]:
    return tuple(
        Turn(f"t{at}", Role.ASSISTANT if at % 2 else Role.USER, content, NOON)
        for at, content in enumerate(contents, begin)
    )


async def opened(turns: Sequence[Turn], store: MemoryStore | None = None) -> MemoryStore:
    held = store or MemoryStore()
    await held.append("ann", "c1", turns)
    return held


def ask(text: str = "And on a Mac?", conversation: str | None = "c1") -> Question:
    return Question(text, owner="ann", conversation_id=conversation)


LONG = talk(*(f"turn {at} {'x' * 40}" for at in range(8)))


async def context_of(
    turns: Sequence[Turn], room: int, summariser: Scripted | None = None, store: MemoryStore | None = None
) -> Context:
    kept = await opened(turns, store)
    budget = Budget(room + len(ask().text) + 50, 50)
    return await Conversations(summariser or Scripted(), kept, len, budget).context(ask(), turns)


async def test_what_fits_goes_along_as_it_is() -> None:
    spy = Scripted()
    found = await context_of(LONG, 1000, spy)
    assert (found.summary, found.turns, spy.asked) == ("", LONG, [])
    assert found.tokens == len(found.text)


async def test_older_turns_are_summarised_and_the_summary_kept() -> None:
    store = MemoryStore()
    found = await context_of(LONG, 200, store=store)
    assert found.turns == LONG[-1:]
    assert found.summary.startswith("turn 0")
    assert await store.summary("ann", "c1") == Summary(found.summary, "t6")
    assert len(found.text) <= 200


async def test_the_summary_is_taken_up_again_and_grows_by_what_is_new() -> None:
    store, spy = await opened(LONG), Scripted()
    talking = Conversations(spy, store, len, Budget(300, 50))
    first = await talking.context(ask(), LONG)
    assert (await talking.context(ask(), LONG)).text == first.text
    assert len(spy.asked) == 1
    more = (*LONG, *talk(*("y" * 60 for _ in range(3)), begin=8))
    await store.append("ann", "c1", more)
    second = await talking.context(ask(), more)
    assert spy.asked[1][0] == first.summary
    assert "turn 0 " not in "".join(spy.asked[1][1:])
    assert second.turns[-1] == more[-1]


async def test_turns_before_those_that_were_read_are_in_the_summary() -> None:
    store = await opened(LONG)
    await store.keep_summary("ann", "c1", Summary("The VPN drops.", "t1"))
    talking = Conversations(Scripted(), store, len, Budget(1000, 50))
    found = await talking.context(ask(), LONG[4:], whole=False)
    assert (found.summary, found.turns) == ("The VPN drops.", LONG[4:])


async def test_a_summary_that_is_too_long_is_cut() -> None:
    found = await context_of(LONG, 200, Scripted(longer=500))
    assert len(found.text) <= 200
    assert len(found.summary) <= 50


async def test_a_model_that_summarises_is_paid_for() -> None:
    turns = talk(*("z" * 900 for _ in range(4)))
    found = await context_of(turns, 400, Scripted(usage=Usage(10, 2)))
    assert found.usage == Usage(40, 8)


@pytest.mark.parametrize("error", [DependencyFailed("model", "gone"), Overloaded("model")])
async def test_where_nothing_can_be_summarised_the_newest_turns_remain(error: Exception) -> None:
    store = MemoryStore()
    found = await context_of(LONG, 200, Scripted(error=error), store)
    assert (found.summary, found.turns) == ("", LONG[-1:])
    assert await store.summary("ann", "c1") is None


async def test_a_store_that_fails_costs_no_answer() -> None:
    assert (await context_of(LONG, 200, store=Forgetful())).turns == LONG[-1:]


async def test_a_history_that_its_caller_keeps_is_summarised_and_not_kept() -> None:
    store = await opened(LONG)
    question = Question("And on a Mac?", owner="ann", conversation_id="c1", history=LONG)
    talking = Conversations(Scripted(), store, len, Budget(263, 50))
    found = await talking.context(question, LONG)
    assert (found.summary[:6], found.turns) == ("turn 0", LONG[-1:])
    assert await store.summary("ann", "c1") is None


async def test_without_a_conversation_there_is_nothing_to_go_along() -> None:
    talking = Conversations(Scripted(), MemoryStore(), len, Budget(512, 50))
    assert await talking.context(ask(conversation=None), ()) == Context()
    assert Context().text == ""


async def test_a_question_that_leaves_no_room_goes_alone() -> None:
    scripted = Scripted()
    talking = Conversations(scripted, await opened(LONG), len, Budget(512, 500))
    assert await talking.context(ask(), LONG, reserved=10) == Context()
    assert scripted.asked == []


async def test_another_owners_conversation_is_not_found() -> None:
    store = await opened(LONG)
    talking = Conversations(Scripted(), store, len, Budget(200, 50))
    with pytest.raises(NotFound):
        await talking.context(Question("And?", owner="bob", conversation_id="c1"), LONG)


contents = st.lists(st.text(st.sampled_from("ab \n日"), max_size=120), max_size=10)


@settings(max_examples=150, deadline=None)
@given(contents, contents, st.text("q ?", max_size=60), st.integers(0, 300), st.integers(0, 100), st.integers(0, 900))
def test_whatever_was_said_it_fits_and_the_question_is_whole(
    first: list[str], more: list[str], text: str, room: int, reserved: int, longer: int
) -> None:
    async def run() -> None:
        question = ask(text)
        turns = talk(*first)
        store = await opened(turns)
        budget = Budget(len(text) + reserved + room + 50, 50)
        talking = Conversations(Scripted(longer), store, len, budget)
        for history in (turns, (*turns, *talk(*more, begin=len(turns)))):
            await store.append("ann", "c1", history)
            found = await talking.context(question, history, reserved=reserved)
            assert len(found.text) + len(question.text) + reserved + 50 <= budget.max_tokens
            assert question.text == text
            assert found.turns == history[len(history) - len(found.turns) :]

    asyncio.run(run())
