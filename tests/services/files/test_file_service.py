"""One file from its bytes to what its conversation knows of it."""

import asyncio
import io
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes import CONVERSATION, FakeChat, FakeSearch, evidence, refused

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.stores.memory_store import MemoryStore
from app.domain.answers import Outcome
from app.domain.conversations import Attachment, AttachmentKind, Question
from app.domain.files import FileKind, FileProgress, Severity
from app.domain.models import Vectors
from app.errors import (
    ConversationFull,
    DeadlineExceeded,
    DocumentRefused,
    NotFound,
    Overloaded,
    StoreFailed,
)
from app.services.files.chunking import Chunk
from app.services.files.scanning import Scan, Scanner
from app.services.files.service import FileQuestion, FileRules
from app.services.summarising import Summariser
from tests.file_builders import OWNER, Place, files_at, log_text, tools

LOG = log_text(20_000).encode() + b"2026-11-21 23:00:00,000 ERROR login for bob failed: password=hunter22 AADSTS50058\n"


async def test_a_log_is_analysed_told_and_kept() -> None:
    async with files_at() as place:
        found = await place.analysed("mail.log", LOG, question="What is wrong?")
        history = await place.store.history(OWNER, found.conversation_id, 10)
        kept = await place.files.shelf.files(OWNER, found.conversation_id)
    assert (found.facts.kind, found.facts.layout, found.facts.encoding) == (FileKind.LOG, "levelled", "utf-8")
    assert found.facts.lines == LOG.count(b"\n")
    assert dict(found.findings.levels)[Severity.ERROR] >= 2
    assert {code.code.code for code in found.findings.codes} >= {"0x80040115", "AADSTS50058"}
    assert found.facts.span is not None
    assert found.facts.span.last.hour == 23
    assert (found.persisted, found.troubles, found.chunks_total) == (True, (), len(found.chunks))
    assert history[0].content.startswith("[file] mail.log: ERROR")
    assert "0x80040115" in history[0].content
    assert (history[1].id, history[1].outcome) == (found.message_id, "answered")
    assert history[1].citations
    assert (kept[0].id, kept[0].title, len(kept[0].passages)) == (found.file.id, "mail.log", found.passages)
    assert found.answer is not None
    asked = place.chat.asked[-1]
    assert (asked.text, asked.conversation_id, asked.keep) == ("What is wrong?", found.conversation_id, True)
    assert "hunter22" not in repr(found) + repr(kept) + repr(place.chat.asked) + repr(history)


async def test_what_the_knowledge_base_knows_is_cited_and_asked_without_keeping() -> None:
    async with files_at() as place:
        found = await place.analysed("mail.log", LOG)
    assert found.known[0].citations
    assert found.known[0].answer in found.told
    assert all((asked.keep, asked.history) == (False, ()) for asked in place.chat.asked + place.search.asked)
    assert any("AADSTS50058" in asked.text for asked in place.search.asked)


async def test_without_evidence_nobody_is_asked_to_answer() -> None:
    class Knowing(FakeSearch):
        async def search(self, question: Question) -> Any:
            return replace(evidence(question), sufficient=False, hits=())

    async with files_at(search=Knowing(), chat=FakeChat(reply=refused)) as place:
        found = await place.analysed("mail.log", LOG)
    assert place.chat.asked == []
    assert [known.outcome for known in found.known] == [Outcome.NO_CONTEXT] * len(found.known)
    async with files_at(chat=FakeChat(reply=refused)) as place:
        found = await place.analysed("mail.log", LOG)
    assert place.chat.asked
    assert found.known[0].answer == ""


async def test_progress_never_goes_back_and_counts_chunks() -> None:
    async with files_at() as place:
        found = await place.analysed("mail.log", log_text(900_000).encode())
    told = [event for event in place.events if isinstance(event, FileProgress)]
    percents = [event.percent for event in told]
    assert percents == sorted(percents)
    assert {event.phase for event in told} >= {"analysing", "looking_up", "keeping"}
    assert all(event.chunk <= event.chunks for event in told)
    assert told[-1].chunks == found.chunks_total > 100
    assert len(found.chunks) == 100


async def test_a_chunk_that_fails_is_tried_again_and_then_reported() -> None:
    tried: list[int] = []

    def scanner(**given: Any) -> Callable[[Chunk], Scan]:
        real = Scanner(**given)

        def scan(chunk: Chunk) -> Scan:
            tried.append(chunk.number)
            if chunk.number == 2 or (chunk.number == 3 and tried.count(3) == 1):
                raise ValueError("cannot be scanned")
            return real.scan(chunk)

        return scan

    async with files_at(given=tools(scanner=scanner)) as place:
        found = await place.analysed("mail.log", LOG)
    assert (tried.count(1), tried.count(2), tried.count(3)) == (1, 3, 2)
    second, third = found.chunks[1:3]
    assert (second.attempts, second.failure) == (3, "could not be analysed")
    assert (third.attempts, third.failure) == (2, "")
    assert found.troubles == ("chunk 2: could not be analysed",)
    assert found.facts.lines == LOG.count(b"\n")
    assert "could not be analysed" in found.told
    assert (await place.store.history(OWNER, found.conversation_id, 2))[1].outcome == "partial"


class Failing(HashingEmbedder):
    """Fails for texts with a word in them, as often as it is told to."""

    times = 99

    async def embed(self, texts: Any) -> Vectors:
        if self.times and any("printer" in text for text in texts):
            self.times -= 1
            raise Overloaded("embedder")
        return np.asarray(await super().embed(texts))


@pytest.mark.parametrize(("times", "trouble"), [(1, ()), (99, ("chunk 2: could not be summarised: overloaded",))])
async def test_a_text_is_summarised_chunk_by_chunk(times: int, trouble: tuple[str, ...]) -> None:
    embedder = Failing(64)
    embedder.times = times
    text = "The VPN client was replaced on Monday. " * 24 + "\n" + "The printer on floor 3 is slow. " * 24 + "\n"
    summariser = Summariser(embedder, tools().count)
    async with files_at(summariser=summariser, rules=lambda rules: replace(rules, chunk_tokens=240)) as place:
        found = await place.analysed("note.txt", text.encode())
    assert (found.facts.kind, found.chunks_total, found.troubles) == (FileKind.TEXT, 2, trouble)
    assert "VPN client" in found.chunks[0].summary
    assert "VPN client" in found.summary
    assert bool(found.chunks[1].failure) == bool(trouble)


@pytest.mark.parametrize("wanted", [False, True])
async def test_logs_are_summarised_only_where_that_is_wanted(*, wanted: bool) -> None:
    def rules(given: FileRules) -> FileRules:
        return replace(given, logs_summarised=wanted)

    summariser = Summariser(HashingEmbedder(64), tools().count)
    async with files_at(summariser=summariser, rules=rules) as place:
        assert bool((await place.analysed("mail.log", LOG)).summary) == wanted


async def test_busy_parts_make_it_partial_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.files.knowing._BACK_OFF_SECONDS", 0.0)
    async with files_at(search=FakeSearch(error=Overloaded("embedder"))) as place:
        found = await place.analysed("mail.log", LOG)
    assert (found.troubles, found.persisted) == (("knowledge base: overloaded",), True)
    async with files_at(chat=FakeChat(error=Overloaded("model"))) as place:
        found = await place.analysed("a.txt", b"all is well here", question="Is it?")
    assert (found.troubles, found.answer) == (("question: overloaded",), None)


class Broken(MemoryStore):
    """Cannot keep attachments."""

    error: Exception = StoreFailed("store", "down")

    async def attach(self, owner: str, conversation_id: str, attachment: Attachment) -> None:  # noqa: ARG002
        raise self.error


async def test_a_store_that_fails_costs_the_keeping_alone_and_a_full_conversation_is_said() -> None:
    store = Broken()
    async with files_at(store=store) as place:
        found = await place.analysed("mail.log", LOG, question="What now?")
        assert (found.persisted, found.troubles) == (False, ("not kept: store_failed",))
        asked = place.chat.asked[-1]
        assert (asked.keep, asked.conversation_id) == (False, None)
        store.error = ConversationFull("100 attachments")
        with pytest.raises(ConversationFull):
            await place.analysed("mail.log", LOG)


async def test_a_file_belongs_to_its_owners_conversation() -> None:
    async with files_at() as place:
        with pytest.raises(NotFound):
            await place.analysed("a.txt", b"text", conversation_id=CONVERSATION)
        found = await place.analysed("a.txt", b"text")
        with pytest.raises(NotFound):
            await place.analysed("a.txt", b"text", owner="eve", conversation_id=found.conversation_id)
        again = await place.analysed("b.txt", b"text", conversation_id=found.conversation_id)
        shelf = place.files.shelf
        assert [item.title for item in await shelf.files(OWNER, found.conversation_id)] == ["a.txt", "b.txt"]
        example = Attachment("e", AttachmentKind.EXAMPLE, "q", ("a",), found.answer or place.files.tools.today())  # type: ignore[arg-type] # no answer here
        await place.store.attach(OWNER, found.conversation_id, example)
        for owner, file_id in (("eve", found.file.id), (OWNER, "e"), (OWNER, "other")):
            with pytest.raises(NotFound):
                await shelf.remove(owner, found.conversation_id, file_id)
        await shelf.remove(OWNER, found.conversation_id, found.file.id)
        assert [item.id for item in await shelf.files(OWNER, found.conversation_id)] == [again.file.id]


async def _begun(place: Place, rest: list[asyncio.Task[Any]]) -> asyncio.Task[Any]:
    task = asyncio.create_task(place.analysed("mail.log", log_text(3_000_000).encode()))
    rest.append(task)
    await asyncio.sleep(0.15)
    return task


async def test_few_at_once_and_whoever_leaves_frees_the_place() -> None:
    def one(rules: FileRules) -> FileRules:
        return replace(rules, at_once=1, waiting=0)

    tasks: list[asyncio.Task[Any]] = []
    async with files_at(rules=one) as place:
        first = await _begun(place, tasks)
        with pytest.raises(Overloaded):
            await place.files.analyse(
                place.files.admit("a.txt", 4), io.BytesIO(b"text"), FileQuestion(OWNER)
            ).__anext__()
        began = time.monotonic()
        first.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert time.monotonic() - began < 1
        assert (await place.analysed("a.txt", b"text")).persisted


async def test_time_is_bounded_and_an_empty_text_is_refused() -> None:
    async with files_at(rules=lambda rules: replace(rules, seconds=0.2)) as place:
        with pytest.raises(DeadlineExceeded):
            await place.analysed("mail.log", log_text(3_000_000).encode())
    async with files_at() as place:
        with pytest.raises(DocumentRefused) as raised:
            await place.analysed("a.txt", b" \n\n \t\n")
        assert raised.value.reason == "no_text"
