"""Seams to where knowledge comes from."""

from collections.abc import Iterator
from typing import Protocol

from app.domain.extraction import ColumnMapping, Extracted
from app.domain.knowledge import Document


class KnowledgeSource(Protocol):
    """Somewhere documents come from. Methods block."""

    def fingerprint(self) -> str:
        """Return a digest that changes whenever any document may have changed."""
        ...

    def documents(self) -> Iterator[Document]:
        """Yield every document, in a stable order. Raises KnowledgeInvalid with file and line."""
        ...


class Extractor(Protocol):
    """Reads files that nobody vouches for."""

    def suffixes(self) -> frozenset[str]:
        """Return the file name endings it reads, lower case, without the dot."""
        ...

    async def extract(self, name: str, content: bytes, mapping: ColumnMapping) -> tuple[Extracted, ...]:
        """Return the documents in a file, at least one, in its order; `name` decides only by its ending.

        Raises DocumentRefused with the reason, DependencyFailed when reading fails for no fault of the file.
        """
        ...
