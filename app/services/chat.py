"""The way of one question: history, cache, evidence, draft, one append, answer. Nothing calls back up."""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

from app.domain.answers import Answer, Draft, Outcome
from app.domain.conversations import CANCELLED, Background, Question, Role, Turn
from app.domain.events import AnswerFinished, ChatEvent, EvidenceFound, TextSaid
from app.domain.retrieval import Evidence
from app.errors import StoreFailed
from app.ports import ConversationStore, Leases, ResponseCache
from app.services import answers_cache
from app.services.answering import messages, prompting
from app.services.conversation.memory import Before, ConversationMemory
from app.services.conversation.own_knowledge import OwnKnowledge
from app.services.retrieval.retriever import Retriever
from app.services.semantic_cache import Composes
from app.services.shared_answers import Made, SharedAnswers, Told

log = logging.getLogger(__name__)


class ChatService:
    """Answers questions from evidence; the Chat protocol."""

    def __init__(
        self,
        *,
        search: Callable[[], Retriever],
        composer: Composes,
        store: ConversationStore,
        cache: ResponseCache,
        leases: Leases | None = None,
        memory: ConversationMemory | None = None,
        own: OwnKnowledge | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`memory` says what was before a question, `own` searches what a conversation itself holds."""
        self._search = search
        self._composer = composer
        self._store = store
        self._answers = SharedAnswers(cache, leases)
        self._memory = memory or ConversationMemory(store)
        self._own = own
        self._clock = clock
        self._keeping: set[asyncio.Task[bool]] = set()

    async def ask(self, question: Question) -> Answer:
        """Answer a question: the stream, gathered."""
        async with aclosing(self.stream(question)) as events:
            async for event in events:
                if isinstance(event, AnswerFinished):
                    return event.answer
        raise AssertionError("the stream of an answer ends with the answer")

    async def stream(self, question: Question) -> AsyncGenerator[ChatEvent, None]:
        """Answer step by step: evidence as soon as it is found, sentences once they are known to be carried.

        Closing the iterator stops the work; what was said until then is kept as a cancelled turn.
        """
        begun = self._clock()
        # One release for the whole answer, whatever is switched to meanwhile.
        search = self._search()
        before = await self._memory.before(question, self._composer.needed(question))
        language = search.language_of(question)
        answers = self._told(question, before, language, search)
        said: list[str] = []
        try:
            async with aclosing(answers):
                async for item in answers:
                    if isinstance(item, Made):
                        made = item
                        break
                    if isinstance(item, TextSaid):
                        said.append(item.text)
                    yield item
        except (GeneratorExit, asyncio.CancelledError):
            await self._keep_cancelled(question, "".join(said))
            raise
        draft = made.draft if made.cached else replace(made.draft, usage=made.draft.usage + before.usage)
        answer = await self._finish(question, draft, made.evidence, language)
        elapsed = self._clock() - begun
        yield AnswerFinished(replace(answer, cached=made.cached, processing_time=elapsed))

    def _told(
        self, question: Question, before: Before, language: str, search: Retriever
    ) -> AsyncGenerator[Told | Made, None]:
        def make() -> AsyncGenerator[Told | Draft, None]:
            return self._make(question, before, language, search)

        if before.attachments:
            # What one conversation holds is nobody else's.
            return self._answers.alone(make)
        return self._answers.stream(self._key(question, before, language, search), search.release, make)

    def _key(self, question: Question, before: Before, language: str, search: Retriever) -> str:
        """Return the cache key: everything that could change the answer."""
        release = search.release.manifest.release
        rules = (self._composer.rules_version, prompting.VERSION, search.rules_version, language)
        said = before.background.said if before.background else ""
        return answers_cache.key_of(question, before.turns, (release, *rules, said))

    async def _make(
        self, question: Question, before: Before, language: str, search: Retriever
    ) -> AsyncGenerator[Told | Draft, None]:
        """Find evidence and compose a draft of it; without evidence, no model is asked."""
        if self._own is not None and before.attachments:
            evidence = await self._with_own(self._own, question, before, search)
        else:
            evidence = await search.search(question, before.turns)
        yield EvidenceFound(evidence)
        draft = Draft(messages.no_context(language), Outcome.NO_CONTEXT)
        if evidence.sufficient:
            async with aclosing(
                self._composer.stream(question, evidence, search.release, _shown(before, evidence))
            ) as composing:
                async for item in composing:
                    if isinstance(item, Draft):
                        draft = item
                    else:
                        yield item
            if not draft.sentences:
                draft = replace(draft, text=messages.no_room(language))
        if not draft.sentences:
            yield TextSaid(draft.text)
        yield draft

    async def _with_own(self, own: OwnKnowledge, question: Question, before: Before, search: Retriever) -> Evidence:
        """Find evidence in the index and in what the conversation itself holds."""
        meant = own.meant(question, before.turns, before.attachments)
        evidence = await search.search(meant, before.turns if meant is question else ())
        return await own.joined(question, evidence, before.attachments)

    async def _finish(self, question: Question, draft: Draft, evidence: Evidence, language: str) -> Answer:
        conversation_id = question.conversation_id or str(uuid.uuid4())
        now = datetime.now(UTC)
        asked = _asked(question, now)
        said = Turn(
            question.answer_id or str(uuid.uuid4()),
            Role.ASSISTANT,
            draft.text,
            now,
            draft.outcome.value,
            draft.citations,
        )
        persisted = question.keep and await self._keep(question.owner, conversation_id, (asked, said))
        return Answer(
            query=question.text,
            draft=draft,
            hits=evidence.hits,
            answerability=evidence.answerability,
            conversation_id=conversation_id,
            message_id=said.id,
            language=language,
            timestamp=now,
            processing_time=0.0,
            persisted=persisted,
        )

    async def _keep_cancelled(self, question: Question, said: str) -> None:
        """Keep what was said before its reader left; whoever was told nothing yet leaves no trace."""
        if not said or not question.keep or not question.keep_partial:
            return
        now = datetime.now(UTC)
        asked = _asked(question, now)
        partial = Turn(question.answer_id or str(uuid.uuid4()), Role.ASSISTANT, said, now, CANCELLED)
        conversation_id = question.conversation_id or str(uuid.uuid4())
        # A task of its own: whoever cancels this one may do so at every await.
        keeping = asyncio.create_task(self._keep(question.owner, conversation_id, (asked, partial)))
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(keeping)

    async def _keep(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> bool:
        """Append question and answer together; an answer that could not be kept says so instead of failing."""
        try:
            await self._store.append(owner, conversation_id, turns)
        except StoreFailed:
            log.warning("conversation not persisted", exc_info=True)
            return False
        return True


def _asked(question: Question, now: datetime) -> Turn:
    return Turn(question.question_id or str(uuid.uuid4()), Role.USER, question.text, now)


def _shown(before: Before, evidence: Evidence) -> Background | None:
    """Return what a model is shown beside the evidence: the conversation only where the question leans on it."""
    background = before.background
    if background is None or evidence.follow_up:
        return background
    return replace(background, said="") if background.examples else None
