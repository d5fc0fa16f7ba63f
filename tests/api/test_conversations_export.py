"""A conversation as a file: whole, to be had again, and never anything that a program would run."""

import asyncio
import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from conversation_app import BASE, Serving, application, as_, listening, said, serving

from app.adapters.stores.memory_store import MemoryStore
from app.api import downloads
from app.api.conversation_openapi import ExportedConversation
from app.api.downloads import Download
from app.domain.answers import Citation
from app.domain.conversations import Attachment, AttachmentKind, Role, Turn
from app.errors import StoreFailed


@pytest.fixture
def desk() -> Iterator[Serving]:
    with serving() as running:
        yield running


def exported(desk: Serving, conversation: str, form: str) -> Any:
    reply = desk.ask("GET", f"/{conversation}/export", params={"format": form})
    assert reply.status_code == 200
    return reply


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("json", "application/json"),
        ("md", "text/markdown; charset=utf-8"),
        ("csv", "text/csv; charset=utf-8; header=present"),
    ],
)
def test_a_file_is_an_attachment_that_nobody_keeps_or_guesses_about(desk: Serving, form: str, media_type: str) -> None:
    conversation = desk.begun('Größe\u202e/..\\"; x=y Ünïcode')
    headers = exported(desk, conversation, form).headers
    assert headers["content-type"] == media_type
    name = f"conversation-grosse-x-y-unicode-{conversation[:8]}.{form}"
    assert headers["content-disposition"] == f'attachment; filename="{name}"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "content-length" not in headers


def test_json_is_the_default_and_holds_what_makes_the_conversation_again(desk: Serving) -> None:
    conversation = desk.begun("title")
    turns = said("question ä 🙂 \u2028", 'answer "with"\nlines', *[f"more {number}" for number in range(500)])
    desk.talk(conversation, turns)
    desk.ask("POST", f"/{conversation}/examples", json={"question": "q", "answer": "a\nb"})
    reply = desk.ask("GET", f"/{conversation}/export")
    kept = ExportedConversation.model_validate_json(reply.content)
    assert (kept.format, kept.version, kept.conversation.title) == ("it-support-conversation", 1, "title")

    async def imported() -> MemoryStore:
        store = MemoryStore()
        again = [
            Turn(
                item.id,
                item.role,
                item.content,
                item.created_at,
                item.outcome,
                tuple(Citation(**cited.model_dump()) for cited in item.citations),
            )
            for item in kept.messages
        ]
        await store.create("a", kept.conversation.id, kept.conversation.title)
        await store.append("a", kept.conversation.id, again)
        for item in kept.examples:
            example = Attachment(item.id, AttachmentKind.EXAMPLE, item.question, (item.answer,), item.created_at)
            await store.attach("a", kept.conversation.id, example)
        assert await store.history("a", conversation, 1000) == turns
        return store

    store = asyncio.run(imported())
    portal = desk.client.portal
    assert portal is not None
    want = portal.call(desk.store.attachments, "a", conversation)
    assert asyncio.run(store.attachments("a", conversation)) == want


def test_an_empty_conversation_is_a_whole_file_too(desk: Serving) -> None:
    conversation = desk.begun()
    assert exported(desk, conversation, "json").json()["messages"] == []
    assert exported(desk, conversation, "md").text.startswith("# Conversation\n")
    assert len(exported(desk, conversation, "csv").text.splitlines()) == 1


def test_a_table_has_a_row_a_message(desk: Serving) -> None:
    conversation = desk.begun()
    desk.talk(conversation, said('why, "this"?\nSecond line', "=cmd|' /C calc'!A0"))
    text = exported(desk, conversation, "csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows[0] == {
        "content": 'why, "this"?\nSecond line',
        "role": "user",
        "created_at": "2026-11-21T09:30:00Z",
        "outcome": "",
        "documents": "",
        "id": "m0",
    }
    assert (rows[1]["content"], rows[1]["documents"]) == ("'=cmd|' /C calc'!A0", "vpn-809")
    assert len(rows) == 2


def test_a_store_that_fails_in_the_middle_cuts_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    name = "6f1d2c54-3c1b-4a7e-9f0e-2b8a6d3c9e11"
    asyncio.run(store.append("a", name, said(*map(str, range(450)))))
    history = store.history

    async def failing(owner: str, conversation: str, limit: int, last: int) -> Any:
        if last == 450:
            raise StoreFailed("store", "gone")
        return await history(owner, conversation, limit, last)

    with listening(application(store)) as port:
        url = f"http://127.0.0.1:{port}{BASE}/{name}/export"
        assert len(httpx.get(url, headers=as_("a")).json()["messages"]) == 450
        monkeypatch.setattr(store, "history", failing)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(url, headers=as_("a"))


async def _ask(receive: Any, send: Any, pieces: Any) -> None:
    response = Download("/x", "first", pieces, {}, "text/plain")
    await response({"type": "http"}, receive, send)


async def _many(closed: list[bool]) -> Any:
    try:
        for number in range(10**9):
            await asyncio.sleep(0)
            yield str(number)
    finally:
        closed.append(True)


async def test_nothing_is_read_for_a_client_that_has_left() -> None:
    closed: list[bool] = []
    sent: list[Any] = []
    left = asyncio.Event()

    async def receive() -> dict[str, str]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) == 5:
            left.set()

    async with asyncio.timeout(5):
        await _ask(receive, send, _many(closed))
    assert closed == [True]
    assert sent[-1]["more_body"] is True


async def test_a_client_that_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "WRITE_SECONDS", 0.05)
    closed: list[bool] = []
    never = asyncio.Event()

    async def receive() -> dict[str, str]:
        await never.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message.get("body") == b"3":
            await never.wait()

    async with asyncio.timeout(5):
        await _ask(receive, send, _many(closed))
    assert closed == [True]


def test_what_is_said_while_a_file_is_written_is_not_in_it(desk: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = desk.begun()
    desk.talk(conversation, said(*map(str, range(300))))
    history = MemoryStore.history

    async def growing(self: MemoryStore, owner: str, name: str, limit: int, last: int | None = None) -> Any:
        await self.append(owner, name, [Turn(f"late {last}", Role.USER, "late", datetime.now(UTC))])
        return await history(self, owner, name, limit, last)

    monkeypatch.setattr(MemoryStore, "history", growing)
    kept = exported(desk, conversation, "json").json()
    assert [item["content"] for item in kept["messages"]] == [str(number) for number in range(300)]
