"""The way of one question: history, cache, evidence, draft, one append, answer. Nothing calls back up."""

import logging
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.answers import Answer, Draft, Outcome
from app.domain.conversations import Question, Role, Turn
from app.domain.events import AnswerFinished, ChatEvent, EvidenceFound, SourceCited, TextSaid
from app.domain.retrieval import Evidence
from app.errors import StoreFailed
from app.ports import ConversationStore, ResponseCache
from app.services import answers_cache
from app.services.answering import messages, prompting
from app.services.answering.composer import Composer
from app.services.answering.rendering import split_pieces
from app.services.retrieval import retriever
from app.services.retrieval.retriever import Retriever

log = logging.getLogger(__name__)

HISTORY_TURNS = 6
"""How many turns back a follow-up question may lean."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A draft and where it comes from."""

    draft: Draft
    evidence: Evidence
    cached: bool


class ChatService:
    """Answers questions from evidence; the Chat protocol."""

    def __init__(
        self,
        *,
        search: Retriever,
        composer: Composer,
        store: ConversationStore,
        cache: ResponseCache,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._search = search
        self._composer = composer
        self._store = store
        self._cache = cache
        self._clock = clock

    async def ask(self, question: Question) -> Answer:
        """Answer a question: the stream, gathered."""
        async with aclosing(self.stream(question)) as events:
            async for event in events:
                if isinstance(event, AnswerFinished):
                    return event.answer
        raise AssertionError("the stream of an answer ends with the answer")

    async def stream(self, question: Question) -> AsyncGenerator[ChatEvent, None]:
        """Answer step by step."""
        begun = self._clock()
        history = await self._history(question)
        language = self._search.language_of(question)
        made = await self._made(question, history, language)
        yield EvidenceFound(made.evidence)
        for piece in split_pieces(made.draft):
            yield TextSaid(piece)
        for citation in made.draft.citations:
            yield SourceCited(citation)
        yield AnswerFinished(await self._finish(question, made, language, begun))

    async def _history(self, question: Question) -> Sequence[Turn]:
        if question.conversation_id is None:
            return ()
        return await self._store.history(question.owner, question.conversation_id, HISTORY_TURNS)

    async def _made(self, question: Question, history: Sequence[Turn], language: str) -> _Made:
        """Return the cached draft, or make one and cache it."""
        release = self._search.release
        parts = (release.manifest.release, self._composer.model, prompting.VERSION, retriever.RULES, language)
        key = answers_cache.key_of(question, history, parts)
        known = answers_cache.load(key, await self._cache.get(key), release)
        if known is not None:
            return _Made(*known, cached=True)
        evidence = await self._search.search(question, history)
        draft = await self._draft(question, evidence, language)
        await self._cache.put(key, answers_cache.dump(key, draft, evidence, release))
        return _Made(draft, evidence, cached=False)

    async def _draft(self, question: Question, evidence: Evidence, language: str) -> Draft:
        if not evidence.sufficient:
            return Draft(messages.no_context(language), Outcome.NO_CONTEXT)
        return await self._composer.compose(question, evidence, self._search.release)

    async def _finish(self, question: Question, made: _Made, language: str, begun: float) -> Answer:
        conversation_id = question.conversation_id or str(uuid.uuid4())
        now = datetime.now(UTC)
        asked = Turn(str(uuid.uuid4()), Role.USER, question.text, now)
        said = Turn(str(uuid.uuid4()), Role.ASSISTANT, made.draft.text, now, made.draft.outcome.value)
        persisted = await self._keep(question.owner, conversation_id, (asked, said))
        return Answer(
            query=question.text,
            draft=made.draft,
            hits=made.evidence.hits,
            answerability=made.evidence.answerability,
            conversation_id=conversation_id,
            message_id=said.id,
            language=language,
            timestamp=now,
            processing_time=self._clock() - begun,
            cached=made.cached,
            persisted=persisted,
        )

    async def _keep(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> bool:
        """Append question and answer together; an answer that could not be kept says so instead of failing."""
        try:
            await self._store.append(owner, conversation_id, turns)
        except StoreFailed:
            log.warning("conversation not persisted", exc_info=True)
            return False
        return True
