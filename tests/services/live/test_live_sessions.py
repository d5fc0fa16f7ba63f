"""Live answers without any channel: who answers, who takes over, what is bounded."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from app.adapters.bus.memory_bus import MemoryBus
from app.adapters.stores.memory_store import MemoryStore
from app.api.realtime.encoding import WireEncoder
from app.domain.conversations import Device, Question
from app.domain.identities import Caller
from app.domain.live import LiveEvent
from app.domain.retrieval import Filters
from app.errors import Conflict, GenerationFailed, NotFound, Overloaded, StoreFailed
from app.services.admission import Admission
from app.services.live.answers import LiveAnswers
from app.services.live.asking import Asked, asked_again, asked_by
from app.services.live.rules import LiveRules, Restarting
from app.services.live.service import Live
from app.services.live.session import LiveSession
from app.services.seams import Anybody
from tests.live_builders import TalkingChat, until

QUESTION = Question("some words to say")


class OneLease:
    """Leases of which one is another's until it is given up."""

    def __init__(self, *, taken: bool = False) -> None:
        self.taken = taken
        self.lost = False
        self.released = 0

    async def take(self, *_given: Any) -> bool:
        return not self.taken

    async def renew(self, *_given: Any) -> bool:
        return not self.lost

    async def release(self, *_given: Any) -> None:
        self.released += 1


class Told:
    """A session, and what it is told."""

    def __init__(self, session: LiveSession) -> None:
        self.session = session
        self.events: list[LiveEvent] = []
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for event in self.session.events():
            self.events.append(event)

    def names(self) -> list[str]:
        return [event.name for event in self.events]

    def has(self, name: str) -> Callable[[], bool]:
        return lambda: name in self.names()


def answers_of(chat: TalkingChat, bus: MemoryBus, **changes: Any) -> LiveAnswers:
    options: dict[str, Any] = {"admission": Admission(4, 4, 0.5), "encoder": WireEncoder(), **changes}
    return LiveAnswers(chat=chat, store=chat.store, bus=bus, **options)


@asynccontextmanager
async def told(answers: LiveAnswers, owner: str = "anna") -> AsyncIterator[Told]:
    session = LiveSession(answers, Caller(owner))
    session.open()
    listening = Told(session)
    try:
        yield listening
    finally:
        await session.close()
        listening.task.cancel()


def chat_of(pace: float = 0.0) -> TalkingChat:
    return TalkingChat(MemoryStore(), pace)


async def test_names_follow_from_owner_and_id_alone_and_a_question_is_told_whole() -> None:
    question = Question(
        "text", 7, 99, language="de", device=Device(os="Linux"), filters=Filters({"kind": frozenset({"page"})})
    )
    asked = asked_by("anna", question, str(uuid.uuid4()))
    bus, chat = MemoryBus(), chat_of()
    async with told(answers_of(chat, bus)) as one:
        await one.session.ask(question, asked.id)
        await until(one.has("final_answer"))
    events = await bus.read(asked.run, 0)
    again = asked_again("anna", events[0])
    assert (again.run, again.conversation_id, again.channel) == (asked.run, asked.conversation_id, asked.channel)
    assert again.as_kept() == chat.asked[0] == asked.as_kept()
    assert asked_by("bert", question, asked.id).run != asked.run


async def test_another_instance_is_followed_and_taken_over_once_it_is_gone() -> None:
    bus, leases = MemoryBus(), OneLease(taken=True)
    dead, chat = chat_of(0.2), chat_of()
    asked = str(uuid.uuid4())
    first = answers_of(dead, bus)
    async with told(first) as one:
        await one.session.ask(QUESTION, asked)
        await until(one.has("message"))
        async with told(answers_of(chat, bus, leases=leases)) as two:
            await two.session.resume(asked, 0)
            await until(two.has("message"))
            assert chat.asked == []
            # As if killed: it neither goes on nor says so.
            first.stopping = True
            for run in first._runs.values():
                run.stop("lost")
            leases.taken = False
            await until(two.has("final_answer"), 3)
        assert two.names().count("restart") == 1
        assert leases.released == 1
    assert dead.finished == 0


async def test_whoever_has_lost_its_lease_leaves_the_question_to_the_other_one() -> None:
    bus, chat, leases = MemoryBus(), chat_of(0.3), OneLease()
    answers = answers_of(chat, bus, leases=leases, rules=LiveRules(lease_seconds=0.3))
    async with told(answers) as one:
        asked = await one.session.ask(QUESTION)
        await until(one.has("message"))
        leases.lost, leases.taken = True, True
        await until(lambda: chat.given_up == 1)
        await until(lambda: not answers.running)
        assert not (await bus.read(asked.run, 0))[-1].ends
    assert leases.released == 0


async def test_somebody_elsewhere_keeps_an_answer_going() -> None:
    class Heard(MemoryBus):
        others = 1

        async def audience(self, _channel: str) -> int:
            return self.others

    bus, chat = Heard(), chat_of(0.25)
    answers = answers_of(chat, bus)
    async with told(answers) as one:
        await one.session.ask(Question("some many more words to say"))
        await until(one.has("message"))
    await asyncio.sleep(0.9)
    assert chat.given_up == 0
    bus.others = 0
    await until(lambda: chat.given_up == 1, 2)


async def test_the_store_failing_under_a_partial_answer_is_no_fault() -> None:
    class Failing(MemoryStore):
        async def append(self, *_given: Any) -> None:
            raise StoreFailed("sqlite", "gone")

    bus, chat = MemoryBus(), TalkingChat(Failing(), 0.2)
    answers = answers_of(chat, bus)
    async with told(answers) as one:
        await one.session.ask(QUESTION)
        await until(one.has("message"))
    await until(lambda: chat.given_up == 1)
    await until(lambda: not answers.running)
    await answers.close()


async def test_partial_answers_held_are_bounded_and_kept_at_the_end() -> None:
    bus, chat = MemoryBus(), chat_of(0.2)
    answers = answers_of(chat, bus, rules=LiveRules(most_partials=1))
    conversations = []
    for _ in range(2):
        async with told(answers) as one:
            conversations.append((await one.session.ask(QUESTION)).conversation_id)
            await until(one.has("message"))
        await until(lambda: not answers.running)
    await answers.close()
    for conversation in conversations:
        turns = await chat.store.history("anna", conversation, 5)
        assert [turn.outcome for turn in turns] == [None, "cancelled"]


async def test_an_answer_without_end_is_ended() -> None:
    chat = chat_of()
    rules = LiveRules(answer_events=5)
    async with told(answers_of(chat, MemoryBus(), rules=rules)) as one:
        await one.session.ask(Question("word " * 50))
        await until(one.has("error"))
    assert GenerationFailed.code in one.events[-1].data
    slow = chat_of(5)
    async with told(answers_of(slow, MemoryBus(), rules=LiveRules(answer_seconds=0.1))) as one:
        await one.session.ask(QUESTION)
        await until(one.has("error"))
    assert "deadline_exceeded" in one.events[-1].data


async def test_a_connection_may_wait_for_so_many_and_join_so_many() -> None:
    chat = chat_of(5)
    answers = answers_of(chat, MemoryBus(), rules=LiveRules(queued=1, joined=1))
    async with told(answers) as one:
        first = await one.session.ask(QUESTION)
        await until(lambda: len(chat.asked) == 1)
        assert one.session.busy
        await one.session.ask(replace(QUESTION, text="another"))
        with pytest.raises(Overloaded):
            await one.session.ask(QUESTION)
        with pytest.raises(Overloaded):
            await one.session.resume(first.id, 0)
        with pytest.raises(Conflict):
            await answers.last_of(Asked("anna", first.id, replace(QUESTION, text="x"), fresh=True))
        with pytest.raises(NotFound):
            await one.session.join(str(uuid.uuid4()))
        await chat.store.append("anna", "c", ())
        await one.session.join("c")
        with pytest.raises(Overloaded):
            await one.session.join("c")


async def test_nothing_begins_once_it_is_to_end() -> None:
    answers = answers_of(chat_of(), MemoryBus())
    live = Live(answers, Anybody(), ("Mia",))
    async with live.running():
        await live.farewell()
        session = live.open(Caller())
        await session.ask(QUESTION)
        await until(lambda: isinstance(session.ended, Restarting))
        with pytest.raises(Restarting):
            live.enter()
        await live.close(session)
