"""A chat that needs no models and an Access that knows keys by name, for tests of real time."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from app.domain.answers import Answer, Citation, Draft, Grounding, Outcome, Usage
from app.domain.conversations import Question, Role, Turn
from app.domain.events import AnswerFinished, ChatEvent, EvidenceFound, SourceCited, TextSaid
from app.domain.identities import Caller, CallerKind, Credentials
from app.domain.retrieval import Evidence
from app.errors import NotIdentified, ServiceError
from app.ports import ConversationStore

CITATION = Citation(1, "vpn-809", "vpn-809#1", "VPN error 809", "Open the ports.")


@dataclass
class TalkingChat:
    """Says the words of the question, one every `pace` seconds, and keeps question and answer in the store."""

    store: ConversationStore
    pace: float = 0.0
    error: ServiceError | None = None
    asked: list[Question] = field(default_factory=list)
    finished: int = 0
    given_up: int = 0

    async def ask(self, question: Question) -> Answer:
        raise NotImplementedError

    async def stream(self, question: Question) -> AsyncGenerator[ChatEvent, None]:
        self.asked.append(question)
        if question.history is None and question.conversation_id is not None:
            await self.store.history(question.owner, question.conversation_id, 6)
        if self.error is not None:
            raise self.error
        try:
            yield EvidenceFound(Evidence(question.text, (), 0.9, sufficient=True, release="r1"))
            for word in question.text.split():
                await asyncio.sleep(self.pace)
                yield TextSaid(f"{word} ")
            yield SourceCited(CITATION)
        except (GeneratorExit, asyncio.CancelledError):
            self.given_up += 1
            raise
        yield AnswerFinished(await self._keep(question))
        self.finished += 1

    async def _keep(self, question: Question) -> Answer:
        now = datetime.now(UTC)
        said = " ".join(question.text.split())
        turns = (
            Turn(question.question_id or "", Role.USER, question.text, now),
            Turn(question.answer_id or "", Role.ASSISTANT, said, now, Outcome.ANSWERED.value),
        )
        await self.store.append(question.owner, question.conversation_id or "", turns)
        draft = Draft(said, Outcome.ANSWERED, (), (CITATION,), Grounding("extract"), Usage(3, 4), "stub")
        conversation, message = question.conversation_id or "", question.answer_id or ""
        return Answer(question.text, draft, (), 0.9, conversation, message, "en", now, 0.1, persisted=True)


@dataclass
class KeyAccess:
    """Knows keys by name: `key-anna` is anna's; those in `revoked` hold no longer."""

    revoked: set[str] = field(default_factory=set)
    open: bool = False

    async def caller(self, given: Credentials) -> Caller:
        if given.bearer is None and self.open:
            return Caller()
        if not given.bearer or not given.bearer.startswith("key-") or given.bearer in self.revoked:
            raise NotIdentified("no key")
        return Caller(given.bearer.removeprefix("key-"), CallerKind.KEY, given.bearer)

    async def check(self, caller: Caller) -> None:
        if caller.credential in self.revoked:
            raise NotIdentified("revoked")


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> float:
    """Wait until a condition holds; return how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        await asyncio.sleep(0.01)
    return time.monotonic() - began
