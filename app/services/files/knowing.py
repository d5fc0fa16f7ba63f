"""What the knowledge base says about a file's errors: searched for, and asked about where there is evidence."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from app.domain.answers import Outcome
from app.domain.conversations import Question
from app.domain.files import ErrorCode, FileFindings, KnownAbout, Severity
from app.errors import DependencyFailed, Overloaded
from app.services.files.reading import ATTEMPTS
from app.services.files.scanning import Redact
from app.services.files.templates import words_of
from app.services.seams import Chat, Search

log = logging.getLogger(__name__)

MOST = 3
"""About how many errors the knowledge base is asked."""
_LOOKED_UP = 6
_CHARS = 300
_BACK_OFF_SECONDS = 0.2
_TOP = 3

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Topic:
    """Something to ask about: its words, and the line where it is first."""

    text: str
    line: int


class KnowledgeOf:
    """Asks the knowledge base about what was found in files; calls may overlap."""

    def __init__(self, search: Search, chat: Chat, redact: Redact) -> None:
        self._search = search
        self._chat = chat
        self._redact = redact

    async def about(
        self, findings: FileFindings, owner: str, language: str | None
    ) -> tuple[tuple[KnownAbout, ...], tuple[str, ...]]:
        """Return what is known of the worst errors, known ones first, and what could not be asked."""
        known: list[KnownAbout] = []
        unknown: list[KnownAbout] = []
        troubles: list[str] = []
        for topic in topics_of(findings):
            question = Question(self._redact(topic.text), _TOP, owner=owner, language=language, history=(), keep=False)
            try:
                found = await self._one(question, topic)
            except (Overloaded, DependencyFailed) as error:
                log.warning("knowledge base not asked about a file", exc_info=True)
                troubles.append(f"knowledge base: {error.code}")
                break
            (known if found.answer else unknown).append(found)
            if len(known) == MOST:
                break
        return tuple([*known, *unknown][:MOST]), tuple(troubles)

    async def _one(self, question: Question, topic: Topic) -> KnownAbout:
        evidence = await tried(lambda: self._search.search(question))
        if not evidence.sufficient:
            return KnownAbout(question.text, topic.line, Outcome.NO_CONTEXT)
        answer = await tried(lambda: self._chat.ask(question))
        draft = answer.draft
        if not draft.citations:
            return KnownAbout(question.text, topic.line, draft.outcome)
        return KnownAbout(question.text, topic.line, draft.outcome, draft.text, draft.citations, answer.hits)


async def tried(work: Callable[[], Awaitable[Found]]) -> Found:
    """Return what `work` returns, begun anew where a part is busy or fails for a moment; raises the last failure."""
    for attempt in range(1, ATTEMPTS):
        try:
            return await work()
        except (Overloaded, DependencyFailed):
            await asyncio.sleep(_BACK_OFF_SECONDS * attempt)
    return await work()


def topics_of(findings: FileFindings) -> list[Topic]:
    """Return what is worth asking about, worst first: each set of error codes once."""
    found: dict[object, Topic] = {}
    for key, topic in _topics(findings):
        if len(found) < _LOOKED_UP and topic.text:
            found.setdefault(key, topic)
    return list(found.values())


def _topics(findings: FileFindings) -> Iterator[tuple[object, Topic]]:
    for group in findings.groups:
        if group.severity >= Severity.WARNING:
            yield _key(group.codes) or group.template, Topic(_question(group.template, group.codes), group.lines[0])
    for trace in findings.traces:
        name = trace.exception.rpartition(".")[2]
        yield trace.exception, Topic(f"{name} {words_of(trace.message)}".strip()[:_CHARS], trace.line)


def _key(codes: tuple[ErrorCode, ...]) -> tuple[str, ...]:
    return tuple(sorted(code.code for code in codes))


def _question(template: str, codes: tuple[ErrorCode, ...]) -> str:
    words = words_of(template)[:_CHARS]
    missing = [code.code for code in codes if code.code not in words]
    return " ".join([*missing, words]).strip()
