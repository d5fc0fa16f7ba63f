"""Puts together what analyses the files people attach."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from app.adapters.extraction.extractor import ConfinedExtractor
from app.adapters.extraction.limits import Limits
from app.adapters.extraction.whole import ConfinedFileReader
from app.adapters.tokens import open_counter
from app.config import FileSettings
from app.container.documents import language_of
from app.container.parts import Parts
from app.errors import SettingsInvalid
from app.services.admission import Admission
from app.services.files.keeping import FileShelf
from app.services.files.knowing import KnowledgeOf
from app.services.files.masking import masked
from app.services.files.reading import Tools
from app.services.files.service import FileRules, FileService
from app.services.summarising import Summariser


@asynccontextmanager
async def open_files(files: FileSettings, parts: Parts) -> AsyncIterator[FileService]:
    """Open the analysis of files; raises SettingsInvalid for an extension that cannot be read."""
    most = int(files.max_file_size_mb * 1024 * 1024)
    extractor = ConfinedExtractor(Limits(file_bytes=most, seconds=files.extraction_seconds))
    reader = ConfinedFileReader(extractor)
    rules = FileRules(
        extensions=_extensions(files, reader),
        most_bytes=most,
        chunk_tokens=files.chunk_size_tokens,
        seconds=files.file_timeout_seconds,
        at_once=files.files_at_once,
    )
    chat, count = parts.services.chat, open_counter()
    try:
        yield FileService(
            rules=rules,
            reader=reader,
            tools=Tools(count, masked, language_of, _now),
            shelf=FileShelf(parts.store, _now),
            known=KnowledgeOf(parts.services.search, chat, masked),
            chat=chat,
            places=Admission(rules.at_once, rules.waiting, rules.wait_seconds),
            summariser=Summariser(parts.embedder, count),
        )
    finally:
        await asyncio.to_thread(extractor.close)


def _extensions(files: FileSettings, reader: ConfinedFileReader) -> frozenset[str]:
    wanted = frozenset(name.lower().lstrip(".") for name in files.allowed_extensions)
    unread = sorted(wanted - reader.suffixes())
    if unread:
        known = ", ".join(sorted(reader.suffixes()))
        raise SettingsInvalid("ALLOWED_EXTENSIONS", f"{', '.join(unread)} cannot be read", f"choose among {known}")
    return wanted


def _now() -> datetime:
    return datetime.now(UTC)
