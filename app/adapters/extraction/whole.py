"""The FileReader port: text is read as it stands, everything that has a structure is taken apart in a process."""

import asyncio
from collections.abc import Iterator
from typing import BinaryIO

from app.adapters.extraction import flowing, formats, sniffing
from app.adapters.extraction.extractor import ConfinedExtractor
from app.domain.extraction import Extracted
from app.domain.files import FileText, Piece, Shape
from app.errors import DocumentRefused

_AS_IT_STANDS = frozenset({"plain", "markdown"})
_TAKEN_OUT = frozenset({"pdf", "docx", "html"})


class ConfinedFileReader:
    """Reads whole files; calls may overlap."""

    def __init__(self, extractor: ConfinedExtractor) -> None:
        self._extractor = extractor

    def suffixes(self) -> frozenset[str]:
        """Return the file name endings it reads."""
        return self._extractor.suffixes()

    async def read(self, suffix: str, source: BinaryIO, size: int) -> FileText:
        """Return a file's text. Raises as the FileReader port says; cancelling it ends the reading."""
        reader = formats.FORMATS.get(suffix)
        if reader is None:
            raise DocumentRefused("unknown_format", f"files ending in {', '.join(sorted(formats.FORMATS))} are read")
        if not size:
            raise DocumentRefused("empty", "holds nothing")
        await asyncio.to_thread(sniffing.refuse_other, suffix, source, size)
        encoding = "" if reader in _TAKEN_OUT else await asyncio.to_thread(flowing.encoding_of, source)
        if reader in _AS_IT_STANDS:
            return FileText(suffix, encoding, Shape(), flowing.pieces(source, encoding, size))
        documents, shape = await self._extractor.whole(suffix, await asyncio.to_thread(_content, source))
        text = _text(documents) if documents else flowing.pieces(source, encoding, size)
        return FileText(suffix, encoding, shape, text)


def _content(source: BinaryIO) -> bytes:
    source.seek(0)
    return source.read()


def _text(documents: tuple[Extracted, ...]) -> Iterator[Piece]:
    sections = [section for document in documents for section in document.sections]
    for at, section in enumerate(sections, 1):
        heading = f"{section.heading}\n" if section.heading else ""
        yield Piece(f"{heading}{section.text}\n\n", at / len(sections))
