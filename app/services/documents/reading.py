"""From a file's content to the documents in it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.domain.documents import JSON_DOCUMENT, JobItem
from app.domain.extraction import Extracted
from app.domain.knowledge import Section, SectionKind
from app.errors import DocumentRefused
from app.ports import Extractor
from app.ports.documents import RawFiles

_DETECTED_FROM = 4000


@dataclass(frozen=True)
class Reader:
    """Reads one file of a job; `language` names the language of a text that does not say."""

    raw: RawFiles
    extractor: Extractor
    language: Callable[[str], str]

    async def read(self, item: JobItem) -> tuple[Extracted, ...]:
        """Return the documents of a file; raises DocumentRefused, DependencyFailed."""
        content = await asyncio.to_thread(self.raw.read, item.key)
        if item.media_type == JSON_DOCUMENT:
            found: tuple[Extracted, ...] = (unpack(content),)
        else:
            found = await self.extractor.extract(item.name, content, item.mapping)
        if not found:
            raise DocumentRefused("empty", "holds no document")
        return await asyncio.to_thread(self._in_a_language, found)

    def _in_a_language(self, found: tuple[Extracted, ...]) -> tuple[Extracted, ...]:
        return tuple(one if one.language else replace(one, language=self.language(_sample(one))) for one in found)


def pack(one: Extracted) -> bytes:
    """Return a document sent as JSON as it is kept; equal documents give equal bytes."""
    body = {
        "title": one.title,
        "text": one.sections[0].text,
        "language": one.language,
        "metadata": dict(one.metadata),
    }
    return json.dumps(body, ensure_ascii=False, sort_keys=True).encode()


def unpack(content: bytes) -> Extracted:
    """Read what `pack` wrote."""
    body = json.loads(content)
    metadata = {name: tuple(value) if isinstance(value, list) else value for name, value in body["metadata"].items()}
    section = Section("", SectionKind.BODY, body["text"])
    return Extracted("0", body["title"], (section,), body["language"], metadata=metadata)


def _sample(one: Extracted) -> str:
    return "\n".join((one.title, *(section.text for section in one.sections)))[:_DETECTED_FROM]
