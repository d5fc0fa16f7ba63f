"""The way of one file: checked, read, added up, looked up, kept, told. Whoever leaves ends all of it."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar

from app.domain import deadline
from app.domain.answers import Answer, Outcome
from app.domain.conversations import Question
from app.domain.files import (
    FileAnalysed,
    FileAnalysis,
    FileEvent,
    FileProgress,
    FileText,
    IncomingFile,
    KnownAbout,
)
from app.errors import DeadlineExceeded, DependencyFailed, GenerationFailed, Overloaded, StoreFailed
from app.ports.files import FileReader
from app.services.admission import Admission
from app.services.documents.names import ending
from app.services.files import describing
from app.services.files.keeping import FileShelf
from app.services.files.knowing import KnowledgeOf, topics_of, tried
from app.services.files.names import admitted
from app.services.files.reading import Reading, Tools
from app.services.files.summaries import Summaries, summarised
from app.services.seams import Chat
from app.services.summarising import Summariser

log = logging.getLogger(__name__)

_READ, _SUMMARISED, _LOOKED_UP = 80, 88, 96
"""The percentages at which the phases end."""

Tell = Callable[[FileEvent], None]
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class FileRules:
    """What files are taken, how they are cut and how long one may take; `at_once` are analysed at the same time.

    `summarised` chunks at most are summarised: of texts always, of logs where `logs_summarised`.
    """

    extensions: frozenset[str]
    most_bytes: int
    chunk_tokens: int = 1000
    seconds: float = 120.0
    at_once: int = 2
    waiting: int = 2
    wait_seconds: float = 5.0
    summarised: int = 6
    logs_summarised: bool = False


@dataclass(frozen=True, slots=True)
class FileQuestion:
    """Who sends a file, to which conversation, and what is asked about it."""

    owner: str
    conversation_id: str | None = None
    question: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class FileService:
    """Analyses files; calls may overlap. `places` bounds how many at once."""

    rules: FileRules
    reader: FileReader
    tools: Tools
    shelf: FileShelf
    known: KnowledgeOf
    chat: Chat
    places: Admission
    summariser: Summariser | None = None

    def admit(self, name: str, size: int) -> IncomingFile:
        """Return a file that may be read; raises DocumentRefused for its size, its name or its ending."""
        return admitted(name, size, self.rules.most_bytes, self.rules.extensions)

    async def analyse(
        self, file: IncomingFile, source: BinaryIO, asked: FileQuestion
    ) -> AsyncGenerator[FileEvent, None]:
        """Yield progress, and the analysis last; `source` stays open until the iterator is closed.

        Raises DocumentRefused, NotFound, ConversationFull, Overloaded, DependencyFailed, DeadlineExceeded. Closing the
        iterator ends the work.
        """
        events: asyncio.Queue[FileEvent | None] = asyncio.Queue()
        work = asyncio.create_task(self._bounded(file, source, asked, events.put_nowait))
        work.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            await work
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _bounded(self, file: IncomingFile, source: BinaryIO, asked: FileQuestion, tell: Tell) -> None:
        if asked.conversation_id is not None:
            # A store that fails costs no more here than it does at the end: that the file is not kept.
            with contextlib.suppress(StoreFailed):
                await self.shelf.check(asked.owner, asked.conversation_id)
        await self.places.enter()
        try:
            with deadline.within(self.rules.seconds):
                async with asyncio.timeout(self.rules.seconds) as limit:
                    await self._analyse(file, source, asked, tell)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"file not analysed within {self.rules.seconds} s") from error
        finally:
            self.places.leave()

    async def _analyse(self, file: IncomingFile, source: BinaryIO, asked: FileQuestion, tell: Tell) -> None:
        # Nothing is told before: a file that is refused by then is refused as any request is.
        text = await self.reader.read(ending(file.name), source, file.size)
        tell(FileProgress(0, "analysing"))
        reading = await self._read(text, tell)
        summaries = await self._summaries(reading, tell)
        findings = await apart(reading.tally.findings)
        language = self._language(asked, reading)
        tell(FileProgress(_SUMMARISED, "looking_up", reading.tally.chunks, reading.tally.chunks))
        known, troubles = await self.known.about(findings, asked.owner, asked.language)
        failed = (*(f"chunk {at}: could not be analysed" for at in reading.failed),
                  *(f"chunk {at}: {why}" for at, why in summaries.failed.items()), *troubles)  # fmt: skip
        facts = describing.facts_of(text, reading.sample, reading.tally.lines, reading.tally.tokens, reading.tally.span)
        told = describing.told(file.name, facts, findings, language, partial=bool(failed))
        analysis = FileAnalysis(
            file=file,
            conversation_id=asked.conversation_id or str(uuid.uuid4()),
            message_id="",
            facts=facts,
            findings=findings,
            summary=summaries.whole,
            told=_with_known(told, known, language),
            chunks=summaries.told(reading.tally.told()),
            chunks_total=reading.tally.chunks,
            known=known,
            troubles=failed,
        )
        tell(FileProgress(_LOOKED_UP, "keeping", reading.tally.chunks, reading.tally.chunks))
        passages = await apart(lambda: reading.salient.passages(findings, f"{analysis.told}\n{analysis.summary}"))
        analysis = await self._kept(analysis, asked, passages)
        tell(FileAnalysed(await self._answered(analysis, asked)))

    async def _read(self, text: FileText, tell: Tell) -> Reading:
        reading = Reading(text, self.tools, self.rules.chunk_tokens, self.rules.summarised)
        while await apart(reading.batch):
            tell(FileProgress(int(reading.share * _READ), "analysing", reading.tally.chunks, reading.expected))
        tell(FileProgress(_READ, "analysing", reading.tally.chunks, reading.tally.chunks))
        return reading

    async def _summaries(self, reading: Reading, tell: Tell) -> Summaries:
        wanted = not reading.sample.logs or self.rules.logs_summarised
        if self.summariser is None or not wanted:
            return Summaries("", {}, {})
        chunks = [chunk for _, chunk in reading.shortlist]

        def made(number: int) -> None:
            percent = _READ + (_SUMMARISED - _READ) * number // max(1, len(chunks))
            tell(FileProgress(percent, "summarising", reading.tally.chunks, reading.tally.chunks))

        return await summarised(self.summariser, chunks, reading.sample.language, self.tools.redact, made)

    def _language(self, asked: FileQuestion, reading: Reading) -> str:
        if asked.language:
            return asked.language
        if asked.question:
            return self.tools.language(asked.question)
        return "en" if reading.sample.logs else reading.sample.language

    async def _kept(self, analysis: FileAnalysis, asked: FileQuestion, passages: tuple[str, ...]) -> FileAnalysis:
        """Keep the file with its conversation; a store that fails costs no more than that it is not kept."""
        outcome = Outcome.PARTIAL if analysis.troubles else Outcome.ANSWERED
        citations = analysis.known[0].citations if analysis.known else ()
        worst = next((topic.text for topic in topics_of(analysis.findings)), "")
        turns = self.shelf.turns((analysis.file.name, self.tools.redact(worst)), analysis.told, outcome, citations)
        kept = self.shelf.attachment(analysis.file.id, analysis.file.name, passages)
        try:
            await self.shelf.keep(asked.owner, analysis.conversation_id, kept, turns)
        except StoreFailed:
            log.warning("file not persisted", exc_info=True)
            return replace(analysis, message_id=turns[1].id, troubles=(*analysis.troubles, "not kept: store_failed"))
        return replace(analysis, message_id=turns[1].id, passages=len(passages), persisted=True)

    async def _answered(self, analysis: FileAnalysis, asked: FileQuestion) -> FileAnalysis:
        """Answer what was asked about the file, in its conversation, which knows the file by now."""
        if not asked.question:
            return analysis
        question = Question(asked.question, owner=asked.owner, language=asked.language, keep=False)
        if analysis.persisted:
            question = replace(question, conversation_id=analysis.conversation_id, keep=True)
        try:
            answer: Answer = await tried(lambda: self.chat.ask(question))
        except (Overloaded, DependencyFailed, GenerationFailed) as error:
            log.warning("question about a file not answered", exc_info=True)
            return replace(analysis, troubles=(*analysis.troubles, f"question: {error.code}"))
        return replace(analysis, answer=answer)


async def apart(work: Callable[[], Done]) -> Done:
    """Do blocking work in a thread; cancelled, wait until the thread is through with it, for it may read a file."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({doing})
        raise


def _with_known(told: str, known: tuple[KnownAbout, ...], language: str) -> str:
    """Return what is told of a file with what is known of the worst of it, marks and all."""
    if not known or not known[0].answer:
        return told
    return f"{told}\n\n{describing.about_line(known[0].line, language)}\n{known[0].answer}"
