import json
import tracemalloc
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.adapters.stores.memory_store import MemoryStore
from app.domain.answers import Citation
from app.domain.conversations import Attachment, AttachmentKind, Overview, Role, Turn
from app.errors import Conflict, NotFound
from app.services.conversation.exporting import PIECE, ExportFormat, file_name
from app.services.conversation.service import ConversationService

WHEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NAME = "6f1d2c54-3c1b-4a7e-9f0e-2b8a6d3c9e11"


def turns(count: int, text: str = "text") -> list[Turn]:
    roles = (Role.USER, Role.ASSISTANT)
    return [Turn(f"m{number}", roles[number % 2], f"{text} {number}", WHEN) for number in range(count)]


async def begun(said: Sequence[Turn], title: str = "") -> tuple[MemoryStore, ConversationService]:
    store = MemoryStore()
    await store.create("a", NAME, title)
    await store.append("a", NAME, said)
    return store, ConversationService(store, clock=lambda: WHEN)


async def text_of(service: ConversationService, form: ExportFormat) -> str:
    export = await service.export("a", NAME, form)
    return await _all(export.pieces)


@pytest.mark.parametrize("count", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
async def test_every_message_is_there_once_and_in_order(count: int) -> None:
    _, service = await begun(turns(count))
    whole = json.loads(await text_of(service, ExportFormat.JSON))
    assert [item["content"] for item in whole["messages"]] == [f"text {number}" for number in range(count)]
    table = (await text_of(service, ExportFormat.CSV)).splitlines()
    assert [line.partition(",")[0] for line in table[1:]] == [f'"text {number}"' for number in range(count)]
    page = await text_of(service, ExportFormat.MARKDOWN)
    assert [line for line in page.splitlines() if line.startswith("text")] == [f"text {n}" for n in range(count)]


async def test_markdown_shows_who_said_what_when_and_from_where() -> None:
    cited = (Citation(1, "vpn_809", "vpn_809#2", "VPN [error]\n# 809", "Open it."),)
    said = [
        Turn("m0", Role.USER, "<b>Why?</b>", WHEN),
        Turn("m1", Role.ASSISTANT, "**Open** it. [1]", WHEN, "answered", cited),
    ]
    store, service = await begun(said, title="*VPN*\nat home")
    await store.attach("a", NAME, Attachment("e1", AttachmentKind.EXAMPLE, "Why # not?", ("Be-\ncause",), WHEN))
    await store.attach("a", NAME, Attachment("e2", AttachmentKind.EXAMPLE, "How?", ("So.",), WHEN))
    await store.attach("a", NAME, Attachment("f1", AttachmentKind.FILE, "a.log", ("secret line",), WHEN))
    begun_at = (await store.overview("a", NAME)).created_at
    assert await text_of(service, ExportFormat.MARKDOWN) == (
        f"# \\*VPN\\* at home\n\nConversation `{NAME}`, {begun_at:%Y-%m-%d %H:%M} UTC. Exported 2026-11-21 09:30 UTC.\n"
        "\n## Question, 2026-11-21 09:30 UTC\n\n\\<b\\>Why?\\</b\\>\n"
        "\n## Answer, 2026-11-21 09:30 UTC\n\n**Open** it. \\[1\\]\n"
        "\nSources:\n\n- \\[1\\] VPN \\[error\\] \\# 809 (vpn\\_809)\n"
        "\n## Examples\n\nWhy \\# not?\n\nBe-  \ncause\n\n---\n\nHow?\n\nSo.\n"
    )


async def test_files_of_a_conversation_are_not_in_its_export() -> None:
    store, service = await begun(turns(1))
    await store.attach("a", NAME, Attachment("f1", AttachmentKind.FILE, "a.log", ("secret line",), WHEN))
    for form in ExportFormat:
        assert "secret" not in await text_of(service, form)


async def _all(pieces: AsyncGenerator[str, None]) -> str:
    return "".join([piece async for piece in pieces])


@pytest.mark.parametrize("gone", ["reset", "delete"])
async def test_what_is_emptied_or_taken_away_meanwhile_is_no_export(gone: str) -> None:
    store, service = await begun(turns(2 * PIECE))
    pieces = (await service.export("a", NAME, ExportFormat.JSON)).pieces
    assert await anext(pieces)
    await getattr(store, gone)("a", NAME)
    with pytest.raises((Conflict, NotFound)):
        await _all(pieces)


async def test_nothing_is_exported_of_what_is_not_there() -> None:
    _, service = await begun([])
    with pytest.raises(NotFound):
        await service.export("b", NAME, ExportFormat.JSON)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("", "conversation-6f1d2c54.csv"),
        ("VPN at home!", "conversation-vpn-at-home-6f1d2c54.csv"),
        ('../../etc/passwd\r\nX: y"', "conversation-etc-passwd-x-y-6f1d2c54.csv"),
        ("CON", "conversation-con-6f1d2c54.csv"),
        ("日本語", "conversation-6f1d2c54.csv"),
        ("Straße № 5", "conversation-strasse-no-5-6f1d2c54.csv"),
        ("x" * 59 + " y", "conversation-" + "x" * 59 + "-6f1d2c54.csv"),
        ("---", "conversation-6f1d2c54.csv"),
    ],
)
def test_file_names_are_safe_whatever_the_title_is(title: str, name: str) -> None:
    overview = Overview(NAME, title, WHEN, WHEN, 0)
    assert file_name(overview, ExportFormat.CSV) == name
    assert "/" not in file_name(replace(overview, id="../x"), ExportFormat.JSON)


@pytest.mark.parametrize("form", list(ExportFormat))
async def test_a_long_conversation_takes_no_more_memory_than_a_piece(form: ExportFormat) -> None:
    _, service = await begun(turns(2500, "word " * 100))
    pieces = (await service.export("a", NAME, form)).pieces
    tracemalloc.start()
    try:
        size = sum([len(piece) async for piece in pieces])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 1_250_000
    assert peak < 1_000_000
