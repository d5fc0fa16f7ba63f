"""A conversation as a file, written piece by piece while it is read, so that a long one takes no more memory."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.conversations import AttachmentKind, Overview, Turn
from app.domain.text import fold
from app.errors import Conflict
from app.ports import AttachmentStore, ConversationStore
from app.services.conversation.export_files import CsvFile, ExportFile, JsonFile, MarkdownFile

PIECE = 200
"""How many messages are read at a time."""
_WRITTEN = 20
"""How many are written at a time: nobody else has a turn while that is done."""
_SLUG = 60


class ExportFormat(StrEnum):
    """What a conversation can be exported as."""

    JSON = "json"
    MARKDOWN = "md"
    CSV = "csv"


_FILES: Mapping[ExportFormat, Callable[[], ExportFile]] = {
    ExportFormat.JSON: JsonFile,
    ExportFormat.MARKDOWN: MarkdownFile,
    ExportFormat.CSV: CsvFile,
}


@dataclass(frozen=True, slots=True)
class Export:
    """A file: its name, of a-z, 0-9 and hyphens and with the format's ending, and its text in pieces.

    The pieces raise StoreFailed, and NotFound or Conflict where the conversation was taken away or emptied meanwhile:
    what was written until then is then no export.
    """

    name: str
    pieces: AsyncGenerator[str, None]


def exported(
    store: ConversationStore,
    added: AttachmentStore,
    owner: str,
    overview: Overview,
    form: ExportFormat,
    moment: datetime,
) -> Export:
    """Return a conversation as a file; `moment` is said to be when it was exported."""
    return Export(file_name(overview, form), _pieces(store, added, owner, overview, _FILES[form](), moment))


def file_name(overview: Overview, form: ExportFormat) -> str:
    """Return a name that any file system and any header takes, whatever the title is."""
    slug = re.sub(r"[^a-z0-9]+", "-", fold(overview.title)).strip("-")[:_SLUG].strip("-")
    mark = re.sub(r"[^a-z0-9]", "", overview.id.lower())[:8]
    return "-".join(part for part in ("conversation", slug, mark) if part) + f".{form.value}"


async def _pieces(
    store: ConversationStore,
    added: AttachmentStore,
    owner: str,
    overview: Overview,
    file: ExportFile,
    moment: datetime,
) -> AsyncGenerator[str, None]:
    examples = [item for item in await added.attachments(owner, overview.id) if item.kind is AttachmentKind.EXAMPLE]
    head = file.head(overview, moment)
    # Counted once: what is said while the file is written is not in it.
    for start in range(0, overview.turns, PIECE):
        turns = await _read(store, owner, overview, start)
        for at in range(0, len(turns), _WRITTEN):
            yield head + file.messages(turns[at : at + _WRITTEN], start + at)
            head = ""
            # Taking a piece need not make anybody wait.
            await asyncio.sleep(0)
    yield head + file.tail(examples)


async def _read(store: ConversationStore, owner: str, overview: Overview, start: int) -> tuple[Turn, ...]:
    until = min(start + PIECE, overview.turns)
    turns = await store.history(owner, overview.id, until - start, until)
    if len(turns) != until - start:
        raise Conflict("conversation", overview.id)
    return turns
